//! The parser on texts that libFuzzer makes.

#[path = "../fuzzer.rs"]
mod fuzzer;
#[path = "../mutate.rs"]
mod mutate;
#[path = "../properties.rs"]
#[allow(dead_code, reason = "each target tries one property")]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| properties::parses(text));
libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});

fn main() {
    fuzzer::main();
}
