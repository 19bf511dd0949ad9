//! `-W`, `-A` and `-D`: the levels of lints. Of several for one lint, the last one counts, so their order is kept.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use dlc_driver::levels::{Level, Levels};

use crate::report::Error;

/// The levels that were asked for, in the order of the command line.
#[derive(Debug, Clone, Default)]
pub struct Lints(Vec<(Level, String)>);

const FLAGS: [(char, &str, Level, &str); 3] = [
    (
        'W',
        "warn",
        Level::Warn,
        "Shows the warnings of a lint, as by default",
    ),
    (
        'A',
        "allow",
        Level::Allow,
        "Leaves the warnings of a lint out; `warnings` is all of them",
    ),
    (
        'D',
        "deny",
        Level::Deny,
        "Makes the warnings of a lint errors; `warnings` is all of them",
    ),
];

impl Lints {
    /// The levels; an error for what is no lint.
    pub fn levels(&self) -> Result<Levels, Error> {
        let mut levels = Levels::default();
        for (level, name) in &self.0 {
            levels
                .set(*level, name)
                .map_err(|unknown| Error::usage(unknown.message).help(Some(unknown.help)))?;
        }
        Ok(levels)
    }
}

impl FromArgMatches for Lints {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags: Vec<(usize, Level, String)> = Vec::new();
        for (_, name, level, _) in FLAGS {
            let places = matches.indices_of(name).into_iter().flatten();
            let lints = matches.get_many::<String>(name).into_iter().flatten();
            flags.extend(
                places
                    .zip(lints)
                    .map(|(at, lint)| (at, level, lint.clone())),
            );
        }
        flags.sort_by_key(|(at, ..)| *at);
        let flags = flags.into_iter().map(|(_, level, lint)| (level, lint));
        Ok(Self(flags.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Lints {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.map(|(short, name, _, help)| {
            Arg::new(name)
                .short(short)
                .long(name)
                .value_name("LINT")
                .action(ArgAction::Append)
                .help(help)
                .help_heading("Diagnostics")
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
