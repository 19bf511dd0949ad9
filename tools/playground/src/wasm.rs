//! The functions of the WebAssembly module. Texts are bytes in its memory: a caller asks for room, writes the request
//! there, and reads the answer where it is told to.

use std::cell::RefCell;

thread_local! {
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Room for a request of this many bytes; it lasts until room is asked for again.
#[unsafe(no_mangle)]
pub extern "C" fn playground_room(bytes: usize) -> *mut u8 {
    REQUEST.with_borrow_mut(|request| {
        request.clear();
        request.resize(bytes, 0);
        request.as_mut_ptr()
    })
}

/// Answers the request that has been written; gives the number of the answer's bytes.
#[unsafe(no_mangle)]
pub extern "C" fn playground_answer() -> usize {
    let request = REQUEST.take();
    let answer = crate::answer(&String::from_utf8_lossy(&request));
    let length = answer.len();
    ANSWER.set(answer);
    length
}

/// Where the last answer begins.
#[unsafe(no_mangle)]
pub extern "C" fn playground_text() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}
