//! Sizes as a person reads them.

/// A size in bytes with the unit that makes it short, as in `72.03 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10).min(6);
    #[allow(clippy::cast_precision_loss)]
    let number = bytes as f64 / (1_u64 << (10 * power)) as f64;
    format!("{number:.2} {}", UNITS[power as usize - 1])
}
