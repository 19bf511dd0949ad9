//! What of a schedule can be set from outside: names, ranges, and the file that holds them.
//!
//! A file is TOML, such as `--emit=schedule` writes and `--schedule` reads:
//! ```toml
//! [matmul.f32]
//! rows = 12
//! kc = 256
//! ```
//! What a file does not say follows from the target.

use super::{Target, elementwise_schedule, matmul_schedule};
use std::collections::BTreeMap;

/// Values by dotted names, as far as they are set.
pub type Knobs = BTreeMap<String, i64>;

/// A value that can be set.
#[derive(Debug)]
pub struct Knob {
    /// Its dotted name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// Values that are worth a try.
    pub tries: &'static [i64],
}

const fn knob(
    name: &'static str,
    what: &'static str,
    (min, max): (i64, i64),
    tries: &'static [i64],
) -> Knob {
    Knob {
        name,
        what,
        min,
        max,
        tries,
    }
}

const ROWS: &str = "rows of a tile of a product, which stay in registers";
const ACROSS: &str = "registers across a tile";
const SHORT: &str = "rows of a tile for what remains";
const KC: &str = "steps of a sum that a packed block holds";
const NC: &str = "columns that a packed block holds, rounded to whole tiles";
const AHEAD: &str = "steps ahead at which the packed operand is prefetched; 0 for not at all";
const IN_PLACE: &str = "rows of a result up to which the right operand is read in place";
const BAND: &str = "rows of a result that an op goes through at a time, rounded to whole tiles";
const UNROLL: &str = "steps in a round of the innermost loop, lowered to a divisor of `spread`";
const SPREAD: &str = "steps between prefetches of what the next tile needs";

/// All of them.
pub const KNOBS: &[Knob] = &[
    knob("matmul.f32.rows", ROWS, (1, 30), &[6, 8, 10, 12, 13, 14]),
    knob("matmul.f32.across", ACROSS, (1, 8), &[2, 3, 4]),
    knob("matmul.f32.short_rows", SHORT, (1, 30), &[1, 2, 4, 6]),
    knob("matmul.f32.kc", KC, (16, 4096), &[128, 192, 256, 384, 512]),
    knob("matmul.f32.nc", NC, (16, 1 << 16), &[256, 512, 768, 1024]),
    knob("matmul.f32.prefetch_b", AHEAD, (0, 64), &[0, 4, 8, 16]),
    knob(
        "matmul.f32.rows_in_place",
        IN_PLACE,
        (0, 1 << 20),
        &[0, 80, 160, 320],
    ),
    knob("matmul.f32.band", BAND, (1, 1 << 16), &[24, 48, 96, 192]),
    knob("matmul.f32.spread", SPREAD, (1, 256), &[8, 16, 32]),
    knob("matmul.f32.unroll", UNROLL, (1, 16), &[1, 2, 4]),
    knob("matmul.f64.rows", ROWS, (1, 30), &[6, 8, 10, 12, 13, 14]),
    knob("matmul.f64.across", ACROSS, (1, 8), &[2, 3, 4]),
    knob("matmul.f64.short_rows", SHORT, (1, 30), &[1, 2, 4, 6]),
    knob("matmul.f64.kc", KC, (16, 4096), &[64, 128, 192, 256]),
    knob("matmul.f64.nc", NC, (16, 1 << 16), &[128, 256, 512]),
    knob("matmul.f64.prefetch_b", AHEAD, (0, 64), &[0, 4, 8, 16]),
    knob(
        "matmul.f64.rows_in_place",
        IN_PLACE,
        (0, 1 << 20),
        &[0, 80, 160, 320],
    ),
    knob("matmul.f64.band", BAND, (1, 1 << 16), &[24, 48, 96, 192]),
    knob("matmul.f64.spread", SPREAD, (1, 256), &[8, 16, 32]),
    knob("matmul.f64.unroll", UNROLL, (1, 16), &[1, 2, 4]),
    knob(
        "elementwise.unroll",
        "registers that a step of a loop treats side by side, where there are enough; a power of two",
        (1, 16),
        &[1, 2, 4, 8],
    ),
    knob(
        "elementwise.prefetch",
        "bytes ahead at which large arrays are prefetched; 0 for not at all",
        (0, 1 << 20),
        &[0, 1024, 2048, 4096],
    ),
    knob(
        "elementwise.near",
        "bytes of an array up to which it is not prefetched",
        (0, 1 << 30),
        &[0, 128 << 10, 1 << 20],
    ),
    knob(
        "elementwise.part",
        "bytes that a part of a sum of all elements has at least; parts are added up at the end",
        (1, 1 << 40),
        &[],
    ),
    knob(
        "products.slivers",
        "slivers of rows that products which pass large arrays on treat together at most",
        (1, 4096),
        &[4, 8, 21, 42],
    ),
    knob(
        "products.near",
        "bytes of a result of a product up to which what reads it does not go through its tiles",
        (0, 1 << 40),
        &[0, 16 << 10, 1 << 40],
    ),
    knob(
        "winograd.use",
        "1 where convolutions with windows of 3 x 3 may take fewer products, 0 where not",
        (0, 1),
        &[0, 1],
    ),
    knob(
        "winograd.bytes",
        "bytes of transformed tiles that they treat together",
        (1, 1 << 30),
        &[128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20],
    ),
    knob(
        "parallel.piece",
        "work of a piece that a thread takes, in ops on a register",
        (1, 1 << 40),
        &[8 << 10, 32 << 10, 128 << 10],
    ),
    knob(
        "parallel.stack",
        "bytes of buffers that a thread has on its stack",
        (0, 1 << 20),
        &[],
    ),
];

/// The values of a file.
pub fn parse(text: &str) -> Result<Knobs, String> {
    let table = text
        .parse::<toml::Table>()
        .map_err(|error| error.to_string())?;
    let mut knobs = Knobs::new();
    flatten("", &table, &mut knobs)?;
    Ok(knobs)
}

fn flatten(prefix: &str, table: &toml::Table, knobs: &mut Knobs) -> Result<(), String> {
    for (key, value) in table {
        let name = match prefix {
            "" => key.clone(),
            _ => format!("{prefix}.{key}"),
        };
        match value {
            toml::Value::Table(inner) => flatten(&name, inner, knobs)?,
            toml::Value::Integer(value) => {
                check(&name, *value)?;
                knobs.insert(name, *value);
            }
            other => {
                return Err(format!(
                    "`{name}` is {}, not a whole number",
                    other.type_str()
                ));
            }
        }
    }
    Ok(())
}

fn check(name: &str, value: i64) -> Result<(), String> {
    let Some(knob) = KNOBS.iter().find(|knob| knob.name == name) else {
        return Err(format!(
            "there is no `{name}`; `dlc build --emit=schedule` writes all that there is"
        ));
    };
    let fits = (knob.min..=knob.max).contains(&value);
    let power = name != "elementwise.unroll" || value.count_ones() == 1;
    match fits && power {
        true => Ok(()),
        false if fits => Err(format!("`{name}` is {value}, not a power of two")),
        false => Err(format!(
            "`{name}` is {value}, not in {}..={}",
            knob.min, knob.max
        )),
    }
}

/// The value of each knob for a target.
pub fn values(target: &Target) -> Vec<(&'static Knob, i64)> {
    let products = [32, 64].map(|bits| matmul_schedule(target, bits));
    let elements = elementwise_schedule(target, 8, 1);
    let value = |name: &str| -> i64 {
        let product = match name.starts_with("matmul.f64") {
            true => &products[1],
            false => &products[0],
        };
        match name {
            "elementwise.unroll" => elements.unroll,
            "elementwise.prefetch" => elements.prefetch,
            "elementwise.near" => target.near(),
            "elementwise.part" => target.part(),
            "products.slivers" => target.most_slivers(),
            "products.near" => target.near_products(),
            "winograd.use" => target.uses_winograd().into(),
            "winograd.bytes" => target.winograd_bytes(),
            "parallel.piece" => target.piece(),
            "parallel.stack" => target.lane_stack(),
            _ => product.value(name.rsplit('.').next().unwrap_or(name)),
        }
    };
    KNOBS.iter().map(|knob| (knob, value(knob.name))).collect()
}

/// The file that says what holds for a target anyway.
pub fn text(target: &Target) -> String {
    let values = values(target).into_iter();
    let values = values.map(|(knob, value)| (knob.name, Some(knob.what), value));
    file(&format!("Schedules for {}.", target.cpu), values)
}

/// A file that begins with a comment, of names, what they are where that is to stand there, and values.
pub fn file<'x>(
    comment: &str,
    values: impl IntoIterator<Item = (&'x str, Option<&'x str>, i64)>,
) -> String {
    let mut text = format!("# {comment}\n");
    let mut table = "";
    for (name, what, value) in values {
        let (of, key) = name.rsplit_once('.').expect("names have two parts");
        if of != table {
            text += &format!("\n[{of}]\n");
            table = of;
        }
        if let Some(what) = what {
            text += &format!("# {what}\n");
        }
        text += &format!("{key} = {value}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let target = Target::named("cascadelake").unwrap();
        let knobs = parse(&text(&target)).unwrap();
        assert_eq!(knobs.len(), KNOBS.len());
        let same = Target {
            knobs,
            ..target.clone()
        };
        assert_eq!(
            values(&same).iter().map(|v| v.1).collect::<Vec<_>>(),
            values(&target).iter().map(|v| v.1).collect::<Vec<_>>()
        );
    }

    #[test]
    fn values_are_used() {
        let knobs = parse("[matmul.f32]\nrows = 14\nnc = 100\n[elementwise]\nunroll = 2").unwrap();
        let target = Target {
            knobs,
            ..Target::named("cascadelake").unwrap()
        };
        let product = matmul_schedule(&target, 32);
        assert_eq!((product.rows, product.nc, product.kc), (14, 96, 256));
        assert_eq!(matmul_schedule(&target, 64).rows, 12);
        assert_eq!(elementwise_schedule(&target, 32, 4).unroll, 2);
    }

    #[test]
    fn wrong_files_are_refused() {
        for (text, message) in [
            ("matmul = 3", "there is no `matmul`"),
            (
                "[matmul.f32]\nrows = 0",
                "`matmul.f32.rows` is 0, not in 1..=30",
            ),
            (
                "[matmul.f32]\nrows = \"12\"",
                "`matmul.f32.rows` is string, not a whole number",
            ),
            (
                "[elementwise]\nunroll = 3",
                "`elementwise.unroll` is 3, not a power of two",
            ),
            ("[matmul", "TOML parse error"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
