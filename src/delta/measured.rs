//! What a layer delta costs and saves: `OLD=FILE NEW=FILE cargo test --release --lib delta::measured -- --ignored --nocapture`.

use std::fs::{self, File};
use std::time::Instant;

use super::{Named, make, rebuild};
use crate::oci::{Algorithm, Hasher};

#[test]
#[ignore = "it measures layers that OLD and NEW name"]
fn what_a_delta_of_two_layers_costs_and_saves() {
    let [old, new] = ["OLD", "NEW"].map(|side| std::env::var(side).expect("OLD and NEW name a layer each"));
    let named = |path: &str| {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let bytes = fs::read(path).expect("a layer");
        hasher.update(&bytes);
        Named { digest: hasher.finish(), size: bytes.len() as u64 }
    };
    let open = |path: &str| File::open(path).expect("a layer");
    let (before, after) = (named(&old), named(&new));
    let (start, cpu) = (Instant::now(), cpu());
    let made = make((&before, open(&old)), (&after, open(&new)), after.size, &mut tempfile::tempfile);
    let (mut delta, length) = match made {
        Ok(made) => made,
        Err(refusal) => return println!("\ndelta: {refusal}"),
    };
    let export = (start.elapsed().as_secs_f64(), self::cpu() - cpu);
    let (start, cpu) = (Instant::now(), self::cpu());
    let target = tempfile::tempfile().expect("room");
    rebuild(&mut delta, |_| File::open(&old), &mut tempfile::tempfile, target).expect("it was tried out");
    println!(
        "\ndelta: {length} of {} bytes, {:.1} %; made in {:.1} s, {:.1} CPU s; rebuilt in {:.1} s, {:.1} CPU s",
        after.size,
        100.0 * length as f64 / after.size as f64,
        export.0,
        export.1,
        start.elapsed().as_secs_f64(),
        self::cpu() - cpu,
    );
}

/// CPU seconds of this process.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}
