//! Every op file, every op on every type and every model at -O0, -O2 and -O3, on one thread and on two, which have to give
//! the same bits. It takes many minutes, so only with `DLC_TEST_FULL` (`cargo xtask test --full`).

use crate::{
    cpu::{self, CPU, Loaded, short_parts, small_too},
    runner::{Program, Runner},
};
use anyhow::{Result, ensure};
use dlc_driver::compile::Options;
use dlc_runtime::{Pool, Tensor};
use std::sync::OnceLock;

/// Set for the tests that take long.
const FULL: &str = "DLC_TEST_FULL";

/// The threads of the calls that are compared with those on one.
const THREADS: usize = 2;

/// A level of optimisation.
pub struct Level {
    name: &'static str,
    opt_level: u8,
}

/// What programs are built at.
static LEVELS: [Level; 3] = [
    Level {
        name: "levels-O0",
        opt_level: 0,
    },
    Level {
        name: "levels-O2",
        opt_level: 2,
    },
    Level {
        name: "levels-O3",
        opt_level: 3,
    },
];

/// The levels to run at; none unless the long tests are asked for.
pub fn asked() -> &'static [Level] {
    match std::env::var_os(FULL).is_some_and(|value| value == "1") {
        true => &LEVELS,
        false => &[],
    }
}

/// The two threads.
pub fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new(THREADS).expect("threads can be started"))
}

impl Level {
    /// Options of a compilation for one thread.
    pub fn one(&self) -> Options {
        Options {
            opt_level: self.opt_level,
            knobs: short_parts(),
            ..(CPU.options)()
        }
    }

    /// Options of a compilation for two threads, where every loop is divided that can be.
    pub fn two(&self) -> Options {
        Options {
            threads: THREADS as u32,
            knobs: small_too(),
            ..self.one()
        }
    }
}

impl Runner for Level {
    fn name(&self) -> &'static str {
        self.name
    }

    fn skips(&self, test: &str) -> Option<&'static str> {
        CPU.skips(test)
    }

    fn load(&self, text: &str) -> Result<Box<dyn Program>> {
        Ok(Box::new(Both {
            one: cpu::load(text, self.one(), &[], cpu::pool())?,
            two: cpu::load(text, self.two(), &[], pool())?,
        }))
    }
}

/// A program built for one thread and for two.
struct Both {
    one: Loaded,
    two: Loaded,
}

impl Program for Both {
    fn call(&self, function: &str, dims: &[i64], args: &[Tensor]) -> Result<Vec<Tensor>> {
        let one = self.one.call(function, dims, args);
        let two = self.two.call(function, dims, args);
        match (&one, &two) {
            (Ok(one), Ok(two)) => {
                let equal = |(a, b): (&Tensor, &Tensor)| a.bytes() == b.bytes();
                let same = one.len() == two.len() && one.iter().zip(two).all(equal);
                ensure!(same, "other bits on {THREADS} threads than on one");
            }
            (Err(one), Err(two)) => {
                let (one, two) = (format!("{one:#}"), format!("{two:#}"));
                ensure!(
                    one == two,
                    "`{one}` on one thread, `{two}` on {THREADS} threads"
                );
            }
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
                anyhow::bail!("one of one and {THREADS} threads fails: {error:#}")
            }
        }
        one
    }
}
