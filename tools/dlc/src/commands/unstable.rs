//! `-Z`: options for the compiler's own tests and tools.

use dlc_driver::faults::{FAULTS, Fault};

use crate::cli::Common;
use crate::report::Error;

/// The option that makes the process of a test crash, before the test's position.
pub const TEST_CRASH: &str = "crash=test:";

/// How many passes run as they should; the others are left out or done plainly.
const PASS_LIMIT: &str = "pass-limit=";

/// The wrong rewrite that is planted in a pass.
const MISCOMPILE: &str = "miscompile=";

/// How many passes run as they should, where that is said.
pub fn pass_limit(common: &Common) -> Result<Option<usize>, Error> {
    let limit = value(common, PASS_LIMIT);
    let parse = |text: &str| text.parse().map_err(|_| text.to_string());
    let limit = limit.map(parse).transpose();
    limit.map_err(|text| Error::usage(format!("-Z {PASS_LIMIT}{text}: no number of passes")))
}

/// The wrong rewrite that is planted, if one is.
pub fn fault(common: &Common) -> Result<Option<&'static Fault>, Error> {
    let Some(name) = value(common, MISCOMPILE) else {
        return Ok(None);
    };
    let known = || FAULTS.iter().map(|fault| fault.name).collect::<Vec<_>>();
    let unknown = || {
        let message = format!("there is no miscompile {name}");
        Error::usage(message).help(Some(format!("there are {}", known().join(", "))))
    };
    Fault::named(name).map(Some).ok_or_else(unknown)
}

fn value<'a>(common: &'a Common, key: &str) -> Option<&'a str> {
    let mut options = common.unstable.iter().rev();
    options.find_map(|option| option.strip_prefix(key))
}

/// Does what the options ask for at once.
pub fn run(common: &Common) -> Result<(), Error> {
    for option in &common.unstable {
        match option.as_str() {
            "crash=panic" => panic!("asked for by -Z crash=panic"),
            "crash=abort" => std::process::abort(),
            "crash=overflow" => {
                std::hint::black_box(overflow(std::hint::black_box(1)));
            }
            // `dlc test` lets that test's process crash.
            test if test.starts_with(TEST_CRASH) => {}
            // Compilations ask for these.
            other if other.starts_with(PASS_LIMIT) || other.starts_with(MISCOMPILE) => {}
            "crash=internal" => {
                return Err(Error::Internal(
                    "asked for by -Z crash=internal".to_string(),
                ));
            }
            _ => {
                return Err(
                    Error::usage(format!("there is no option -Z {option}")).help(Some(
                        "there are crash=panic, crash=abort, crash=overflow, crash=internal, crash=test:N, \
                         pass-limit=N and miscompile=NAME"
                            .to_string(),
                    )),
                );
            }
        }
    }
    Ok(())
}

/// Uses up the stack.
fn overflow(depth: u64) -> u64 {
    let block = std::hint::black_box([depth; 1024]);
    if depth == 0 {
        return 0;
    }
    overflow(depth + 1) + block[(depth % 1024) as usize]
}
