//! What a session makes code for: a place, and the processors there.

use crate::compile::{Failure, Options};
use dlc_lowering::{
    schedule::{Arch, Target, cpus::FeatureError},
    target::{
        Place, Processor,
        place::{NATIVE, TRIPLES},
    },
    variants::LEVELS,
};

/// Where code is to run, and on what.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    /// The place.
    pub place: Place,
    /// The processors from the least, of which calls choose; usually one.
    pub variants: Vec<Variant>,
}

/// A processor that there is code for.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// What schedules assume.
    pub target: Target,
    /// What LLVM is told.
    pub processor: Processor,
}

impl Destination {
    /// The destination that options ask for.
    pub fn of(options: &Options) -> Result<Self, Failure> {
        let place = match &options.target {
            None => Place::host(),
            Some(triple) => place(triple)?,
        };
        let mut names: Vec<_> = options.target_cpu.split(',').map(str::trim).collect();
        if names.len() > 1 {
            levels(&place, &names)?;
            names.sort_by_key(|name| LEVELS.iter().position(|level| level == name));
            names.dedup();
        }
        let variants = names.into_iter().map(|cpu| variant(&place, cpu, options));
        let variants = variants.collect::<Result<Vec<_>, _>>()?;
        if options.gpu.is_some() && !(place.is_linux() || place.is_host()) {
            return Err(Failure::Usage(format!(
                "`--gpu` has no host {}\nhelp: GPUs are run by programs on Linux",
                place.triple
            )));
        }
        if options.threads > 1 && place.arch == Arch::Wasm32 {
            return Err(Failure::Usage(
                "code for WebAssembly runs on one thread\nhelp: leave out --threads".into(),
            ));
        }
        Ok(Self { place, variants })
    }

    /// The first variant, which is the least.
    pub fn first(&self) -> &Variant {
        &self.variants[0]
    }

    /// The names of the CPUs, if calls choose among several.
    pub fn cpus(&self) -> Vec<String> {
        match self.variants.len() {
            1 => vec![],
            _ => self.names().collect(),
        }
    }

    /// Triple and CPUs, as manifests have them.
    pub fn text(&self) -> String {
        let names: Vec<_> = self.names().collect();
        format!("{} {}", self.place.triple, names.join(","))
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.variants
            .iter()
            .map(|variant| variant.target.cpu.clone())
    }
}

/// The place of a triple.
fn place(triple: &str) -> Result<Place, Failure> {
    Place::named(triple).ok_or_else(|| {
        let known = TRIPLES.iter().copied();
        Failure::Usage(format!(
            "unknown target `{triple}`\nhelp: {}`dlc --print targets` lists them",
            similar(triple, known)
        ))
    })
}

/// That a list of CPUs is one to choose from.
fn levels(place: &Place, names: &[&str]) -> Result<(), Failure> {
    let known = LEVELS.join(", ");
    if place.arch != Arch::X86_64 {
        return Err(Failure::Usage(format!(
            "a library for {} has its code for one CPU\nhelp: lists are of {known}, for x86_64",
            place.arch
        )));
    }
    match names.iter().find(|name| !LEVELS.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::Usage(format!(
            "`{name}` can't stand in a list of CPUs\nhelp: lists are of {known}"
        ))),
    }
}

/// A CPU of a place.
fn variant(place: &Place, cpu: &str, options: &Options) -> Result<Variant, Failure> {
    let target = match cpu {
        NATIVE if place.arch == Arch::host() => Target::native(),
        NATIVE => {
            return Err(Failure::Usage(format!(
                "`native` is the CPU of this machine, whose architecture is not {}\nhelp: leave out --target-cpu, or \
                 see `dlc --print target-cpus`",
                place.arch
            )));
        }
        _ => Target::of_cpu(place.arch, cpu).ok_or_else(|| unknown_cpu(place, cpu))?,
    };
    let features = options.target_features.as_str();
    let target = target.with_features(features).map_err(|error| {
        let known = Target::feature_names(place.arch);
        let all = format!("those of {} are {}", place.arch, known.join(", "));
        Failure::Usage(match error {
            FeatureError::NoSign(word) => format!(
                "`{word}` is no feature to add or to take away\nhelp: write +{word} or -{word}"
            ),
            FeatureError::Unknown(name) => format!(
                "unknown feature `{name}`\nhelp: {}{all}",
                similar(&name, known.iter().copied())
            ),
        })
    })?;
    Ok(Variant {
        processor: place.processor(cpu, &features.replace(' ', "")),
        target: Target {
            cores: options.threads.into(),
            knobs: options.knobs.clone(),
            ..target
        },
    })
}

fn unknown_cpu(place: &Place, cpu: &str) -> Failure {
    let known: Vec<_> = Target::names(place.arch).collect();
    let native = match place.arch == Arch::host() {
        true => "`native`, or ",
        false => "",
    };
    Failure::Usage(format!(
        "unknown CPU `{cpu}`\nhelp: {}{native}one of {}",
        similar(cpu, known.iter().copied()),
        known.join(", ")
    ))
}

/// The name that is most like one that is not known, as the beginning of help; nothing if none is.
fn similar<'x>(name: &str, known: impl Iterator<Item = &'x str>) -> String {
    const LIKE: f64 = 0.8;
    let likeness = |known: &&str| strsim::jaro_winkler(known, name);
    known
        .filter(|known| likeness(known) > LIKE)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .map_or(String::new(), |found| {
            format!("there is a similar name, `{found}`; ")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: Option<&str>, cpu: &str, features: &str) -> Result<Destination, String> {
        let options = Options {
            target: target.map(str::to_string),
            target_cpu: cpu.into(),
            target_features: features.into(),
            ..Options::default()
        };
        Destination::of(&options).map_err(|failure| failure.to_string())
    }

    #[test]
    fn variants_go_from_the_least() {
        let x86 = Some("x86_64-unknown-linux-gnu");
        let list = of(x86, "x86-64-v4,x86-64-v2, x86-64-v3,x86-64-v2", "").unwrap();
        assert_eq!(list.cpus(), ["x86-64-v2", "x86-64-v3", "x86-64-v4"]);
        assert_eq!(
            list.text(),
            "x86_64-unknown-linux-gnu x86-64-v2,x86-64-v3,x86-64-v4"
        );
        assert!(of(x86, "haswell", "").unwrap().cpus().is_empty());
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is_like_it() {
        for (target, cpu, features, said) in [
            (
                Some("aarch64-linux-gnuu"),
                "generic",
                "",
                "`aarch64-unknown-linux-gnu`",
            ),
            (
                Some("vax"),
                "generic",
                "",
                "unknown target `vax`\nhelp: `dlc --print targets`",
            ),
            (
                Some("aarch64-linux-gnu"),
                "neoverse-n3",
                "",
                "similar name, `neoverse-",
            ),
            (Some("aarch64-linux-gnu"), "x86-64-v3", "", "unknown CPU"),
            (
                Some("aarch64-linux-gnu"),
                "generic,cortex-a53",
                "",
                "one CPU",
            ),
            (
                Some("riscv64-linux-gnu"),
                "generic-rv64",
                "v",
                "write +v or -v",
            ),
            (
                Some("riscv64-linux-gnu"),
                "generic-rv64",
                "+zbc",
                "similar name, `zb",
            ),
            (
                Some("x86_64-linux-gnu"),
                "x86-64,haswell",
                "",
                "`haswell` can't stand",
            ),
        ] {
            let error = of(target, cpu, features).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        for arch in Arch::ALL.into_iter().filter(|arch| *arch != Arch::host()) {
            let triple = TRIPLES
                .iter()
                .find(|triple| triple.starts_with(arch.name()));
            let error = of(triple.copied(), "native", "").unwrap_err();
            assert!(error.contains("`native` is"), "{error}");
        }
    }
}
