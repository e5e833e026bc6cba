//! Zstandard, one frame after the other (RFC 8878, 3.1).

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// All frames of a zstd stream, one after the other (RFC 8878, 3.1).
pub(crate) struct ZstdFrames<R: BufRead> {
    input: Option<R>,
    frame: Option<StreamingDecoder<R, FrameDecoder>>,
}

impl<R: BufRead> ZstdFrames<R> {
    /// The content of the stream that begins here.
    pub(crate) fn new(input: R) -> Self {
        Self { input: Some(input), frame: None }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let got = frame.read(buffer)?;
                if got > 0 {
                    return Ok(got);
                }
                self.input = self.frame.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                return Ok(0);
            }
            // The decoder gives a failed input back to nobody, so skippable frames are told first.
            if let Some(rest) = skip_frame(&mut input)? {
                io::copy(&mut input.by_ref().take(rest), &mut io::sink())?;
                self.input = Some(input);
                continue;
            }
            self.frame = Some(StreamingDecoder::new(input).map_err(|e| match e {
                FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::MagicNumberReadError(e)) => e,
                other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
            })?);
        }
    }
}

/// The length of a skippable frame whose header was taken, if one stands here (RFC 8878, 3.1.2).
fn skip_frame<R: BufRead>(input: &mut R) -> io::Result<Option<u64>> {
    let start = input.fill_buf()?;
    let is_skippable = start.len() >= 4 && (0x50..=0x5f).contains(&start[0]) && start[1..4] == [0x2a, 0x4d, 0x18];
    if !is_skippable {
        return Ok(None);
    }
    let mut header = [0; 8];
    input.read_exact(&mut header)?;
    Ok(Some(u64::from(u32::from_le_bytes([header[4], header[5], header[6], header[7]]))))
}
