//! What the compiler spent its time on, in the formats of `--time-passes`.

use crate::model::Time;
use serde_json::json;

/// Times for people: each in milliseconds and in percent of the whole, in order.
pub fn text(times: &[Time], total: f64) -> String {
    let line = |name: &str, milliseconds: f64| {
        let share = 100.0 * milliseconds / total.max(f64::MIN_POSITIVE);
        format!("{milliseconds:10.3} ms {share:5.1} %  {name}\n")
    };
    let known: f64 = times.iter().map(|time| time.milliseconds).sum();
    let lines = times.iter().map(|time| line(&time.name, time.milliseconds));
    let mut text: String = lines.collect();
    text += &line("(other)", (total - known).max(0.0));
    text + &line("total", total)
}

/// Times for programs.
pub fn json(times: &[Time], total: f64) -> String {
    format!("{:#}\n", json!({ "passes": times, "total_ms": total }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times() -> Vec<Time> {
        let time = |name: &str, milliseconds| Time {
            name: name.to_string(),
            milliseconds,
        };
        vec![time("(frontend)", 2.0), time("cse", 5.0)]
    }

    #[test]
    fn times_add_up() {
        assert_eq!(
            text(&times(), 8.0),
            "     2.000 ms  25.0 %  (frontend)\n     5.000 ms  62.5 %  cse\n     1.000 ms  12.5 %  (other)\n     8.000 ms 100.0 %  total\n"
        );
    }
}
