//! The status codes that every entry point returns.

/// Everything went well.
pub const OK: i32 = 0;
/// A pointer is null.
pub const NULL_POINTER: i32 = 1;
/// The workspace is too small.
pub const SHORT_WORKSPACE: i32 = 2;
/// A size does not fit in 64 bits.
pub const SIZE_OVERFLOW: i32 = 3;
/// The workspace is not aligned to [`crate::WORKSPACE_ALIGN`] bytes.
pub const MISALIGNED: i32 = 4;
/// The device failed, which only entries for a GPU say.
pub const DEVICE: i32 = 5;
/// [`crate::choice::VARIABLE`] asks for a device that is not there, or for none that there could be.
pub const NO_DEVICE: i32 = 6;
/// The device that was chosen for a call has too little memory.
pub const DEVICE_MEMORY: i32 = 7;
/// The device that was chosen for a call failed.
pub const CHOSEN_DEVICE: i32 = 8;
/// The first check (dim range or `where` condition, then what the body checks) of an entry; the k-th has `CHECK + k`.
pub const CHECK: i32 = 16;

/// The codes that mean the same in every entry, with their error code and text.
pub const COMMON: [(i32, &str, &str); 4] = [
    (NULL_POINTER, "DL1011", "a pointer is null"),
    (
        SHORT_WORKSPACE,
        "DL1012",
        "the workspace is smaller than the entry's workspace function says",
    ),
    (
        SIZE_OVERFLOW,
        "DL1013",
        "a size in bytes does not fit in 64 bits",
    ),
    (
        MISALIGNED,
        "DL1014",
        "the workspace is not aligned to 64 bytes",
    ),
];

/// The codes that only entries of libraries for a GPU return, with their error code and text.
pub const ON_GPU: [(i32, &str, &str); 4] = [
    (DEVICE, "DL1015", "the device failed; it says why"),
    (
        NO_DEVICE,
        "DL1016",
        "the environment variable DLC_DEVICE asks for a device that is not there, or libdlc_gpu_c.so is not",
    ),
    (DEVICE_MEMORY, "DL1017", "the GPU has too little memory"),
    (CHOSEN_DEVICE, "DL1018", "the GPU failed"),
];
/// Those of them for which a library had the device chosen; what chose it has better words for the last one.
pub const ON_CHOSEN: [i32; 3] = [NO_DEVICE, DEVICE_MEMORY, CHOSEN_DEVICE];

/// The message of a common status for an entry, as `stem_f_message` gives it.
pub fn common_message(entry: &str, status: i32) -> Option<String> {
    COMMON
        .iter()
        .find(|(code, _, _)| *code == status)
        .map(|(_, code, text)| format!("{code} {entry}: {text}"))
}

/// The message of one of [`ON_GPU`] for an entry.
pub fn device_message(entry: &str, status: i32) -> Option<String> {
    let (_, code, text) = ON_GPU.iter().find(|(known, ..)| *known == status)?;
    Some(format!("{code} {entry}: {text}"))
}

/// The message of a dim outside its range.
pub fn range_message(entry: &str, dim: &str, min: i64, max: Option<i64>, place: &str) -> String {
    let range = range_text(min, max);
    format!("DL1001 {entry}: {dim} is outside its declared range {range} ({place})")
}

/// The message of a `where` condition that does not hold.
pub fn condition_message(entry: &str, condition: &str, place: &str) -> String {
    format!("DL1002 {entry}: the condition {condition} does not hold ({place})")
}

/// The message of a check in the body of an entry that fails.
pub fn failure_message(entry: &str, code: &str, text: &str) -> String {
    format!("{code} {entry}: {text}")
}

/// `1..=64`, `0..` when there is no maximum.
pub fn range_text(min: i64, max: Option<i64>) -> String {
    match max {
        Some(max) => format!("{min}..={max}"),
        None => format!("{min}.."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_entry_and_place() {
        assert_eq!(
            range_message("f", "B", 1, Some(64), "stem.dl:36"),
            "DL1001 f: B is outside its declared range 1..=64 (stem.dl:36)"
        );
        assert_eq!(range_text(0, None), "0..");
        assert_eq!(
            common_message("f", NULL_POINTER).unwrap(),
            "DL1011 f: a pointer is null"
        );
        assert_eq!(common_message("f", OK), None);
    }
}
