//! The arguments of a call of a built-in: which parameter each is for. What each is, is in [`super::values`].

use crate::check::binary::Operand;
use crate::check::call::{Arg, Site, count_given};
use crate::check::dims::count;
use crate::check::{Checker, Reported, Res};
use crate::diagnostic::{Code, Diagnostic, similar};

/// A parameter of a built-in, read from its signature.
pub(super) struct Param {
    /// The name.
    pub name: String,
    /// Whether it may be left out.
    optional: bool,
    /// Whether it is given by name only.
    by_name: bool,
    /// Whether it takes all further arguments.
    rest: bool,
}

impl Param {
    /// The parameters of a signature such as `x, *, axis=none`.
    pub fn parse_all(text: &str) -> Vec<Self> {
        let mut params = Vec::new();
        let mut by_name = false;
        // Defaults such as `[2, 2]` hold commas of their own.
        let mut depth = 0;
        let split = text.split(|c: char| {
            match c {
                '[' | '(' => depth += 1,
                ']' | ')' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        });
        for part in split.map(str::trim).filter(|part| !part.is_empty()) {
            if part == "*" {
                by_name = true;
                continue;
            }
            let (name, default) = part
                .split_once('=')
                .map_or((part, None), |(name, default)| (name, Some(default)));
            let (name, rest) = name
                .strip_suffix("...")
                .map_or((name, false), |name| (name, true));
            params.push(Self {
                name: name.to_string(),
                optional: default.is_some() || rest,
                by_name,
                rest,
            });
        }
        params
    }
}

/// Names of parameters that other libraries use, and those that stand for them here.
const PARAM_ALIASES: &[(&str, &[&str])] = &[
    ("dim", &["axis", "axes"]),
    ("dims", &["axes", "axis", "shape"]),
    ("axes", &["axis"]),
    ("axis", &["axes"]),
    ("keepdim", &["keepdims"]),
    ("input", &["x"]),
    ("a", &["x"]),
    ("arr", &["x"]),
    ("size", &["shape"]),
    ("num_classes", &["n"]),
    ("indices", &["ids"]),
    ("index", &["ids"]),
    ("min", &["lo", "low"]),
    ("max", &["hi", "high"]),
    ("p", &["rate"]),
    ("minval", &["low"]),
    ("maxval", &["high"]),
    ("epsilon", &["eps"]),
    ("weight", &["scale", "w"]),
    ("gamma", &["scale"]),
    ("beta", &["bias"]),
    ("chunks", &["sections"]),
    ("is_causal", &["causal"]),
    ("attn_mask", &["mask"]),
    ("argnums", &["wrt"]),
    ("num", &["n"]),
    ("ddof", &["correction"]),
    ("strides", &["stride"]),
    ("dilations", &["dilation"]),
    ("rhs_dilation", &["dilation"]),
    ("window_strides", &["stride"]),
    ("kernel", &["w"]),
    ("kernel_size", &["window"]),
    ("window_shape", &["window"]),
    ("feature_group_count", &["groups"]),
    ("negative_slope", &["slope"]),
    ("constant_values", &["value"]),
];

/// A call of a built-in, its arguments sorted.
pub(super) struct Call<'c, 'a> {
    /// The checker.
    pub checker: &'c mut Checker<'a>,
    /// The name of the built-in.
    pub name: &'static str,
    /// Where the call stands.
    pub site: Site,
    signature: String,
    pub(super) params: Vec<Param>,
    pub(super) slots: Vec<Option<Operand<'a>>>,
    /// Arguments for the last parameter, if it takes several.
    pub rest: Vec<Operand<'a>>,
    /// Arguments by other names, for a signature whose last parameter takes several.
    pub named_rest: Vec<Arg<'a>>,
}

impl<'c, 'a> Call<'c, 'a> {
    /// Sorts the arguments to the parameters.
    pub fn new(
        checker: &'c mut Checker<'a>,
        name: &'static str,
        signature: &str,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Self> {
        let params = Param::parse_all(signature);
        let signature = format!("{name}({})", signature.replace("...", ", …"));
        let slots = params.iter().map(|_| None).collect();
        let mut call = Self {
            checker,
            name,
            site,
            signature,
            params,
            slots,
            rest: Vec::new(),
            named_rest: Vec::new(),
        };
        call.sort(args)?;
        Ok(call)
    }

    fn sort(&mut self, args: Vec<Arg<'a>>) -> Res<()> {
        let given = args.iter().filter(|arg| arg.name.is_none()).count();
        let mut failed = false;
        for (i, arg) in args.into_iter().enumerate() {
            let position = match arg.name {
                Some(name) => self
                    .params
                    .iter()
                    .position(|param| param.name == name.name && !param.rest),
                None => self
                    .params
                    .iter()
                    .position(|param| param.rest)
                    .filter(|rest| i >= *rest)
                    .or_else(|| {
                        let by_position = self.params.get(i).is_some_and(|param| !param.by_name);
                        by_position.then_some(i)
                    }),
            };
            match (position, arg.name) {
                (Some(position), None) if self.params[position].rest => self.rest.push(arg.operand),
                (Some(position), _) if self.slots[position].is_some() => {
                    let message = format!("`{}` is given twice", self.params[position].name);
                    let _ = self
                        .checker
                        .error::<()>(Code::DL0701, message, arg.operand.span);
                    failed = true;
                }
                (Some(position), _) => self.slots[position] = Some(arg.operand),
                (None, Some(_)) if self.params.last().is_some_and(|param| param.name == "dims") => {
                    self.named_rest.push(arg);
                }
                (None, Some(_)) => {
                    self.unknown_keyword(&arg);
                    failed = true;
                }
                (None, None) => {
                    if !failed {
                        self.too_many(i, given, &arg.operand);
                    }
                    failed = true;
                }
            }
        }
        if failed {
            return Err(Reported);
        }
        let missing: Vec<String> = self
            .params
            .iter()
            .zip(&self.slots)
            .filter(|(param, slot)| slot.is_none() && !param.optional)
            .map(|(param, _)| format!("`{}`", param.name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let plural = if missing.len() == 1 {
            "argument"
        } else {
            "arguments"
        };
        let message = format!("{plural} {} of `{}` missing", missing.join(", "), self.name);
        let diagnostic = Diagnostic::error(Code::DL0701, message, self.site.span)
            .help(format!("its signature is `{}`", self.signature));
        Err(self.checker.report(diagnostic))
    }

    fn unknown_keyword(&mut self, arg: &Arg<'a>) {
        let Some(name) = arg.name else { return };
        let message = format!("`{}` has no parameter `{}`", self.name, name.name);
        let mut diagnostic = Diagnostic::error(Code::DL0702, message, name.span);
        let has = |wanted: &str| self.params.iter().any(|param| param.name == wanted);
        let known = PARAM_ALIASES
            .iter()
            .filter(|row| row.0 == name.name)
            .flat_map(|row| row.1);
        diagnostic = if let Some(alias) = known.into_iter().find(|alias| has(alias)) {
            diagnostic.suggest("it is called", name.span, *alias)
        } else if let Some(similar) = similar(
            &name.name,
            self.params.iter().map(|param| param.name.as_str()),
        ) {
            diagnostic.suggest("a similar one exists", name.span, similar)
        } else if name.name == "dtype" {
            diagnostic.help("convert the result: `astype(…, f32)`")
        } else {
            diagnostic.help(format!("its signature is `{}`", self.signature))
        };
        self.checker.report(diagnostic);
    }

    fn too_many(&mut self, position: usize, given: usize, operand: &Operand<'a>) {
        let by_name = self
            .params
            .get(position)
            .filter(|param| param.by_name)
            .map(|param| param.name.clone());
        let message = match &by_name {
            Some(param) => format!("`{param}` of `{}` is given by name", self.name),
            None => {
                let most = self.params.iter().filter(|param| !param.by_name).count();
                format!(
                    "`{}` takes {}, and {} given",
                    self.name,
                    count(most, "argument"),
                    count_given(given)
                )
            }
        };
        let mut diagnostic = Diagnostic::error(Code::DL0701, message, operand.span);
        let of_two = [("max", "maximum"), ("min", "minimum")]
            .into_iter()
            .find(|row| row.0 == self.name);
        diagnostic = match (of_two, by_name) {
            (Some((_, of_two)), _) => diagnostic
                .suggest("of two values there is", self.site.callee, of_two)
                .note(format!(
                    "`{}` reduces one tensor; an axis is given by name, `axis=0`",
                    self.name
                )),
            (None, Some(param)) => {
                diagnostic.suggest("write", operand.span.at_start(), format!("{param}="))
            }
            (None, None) => diagnostic.help(format!("its signature is `{}`", self.signature)),
        };
        self.checker.report(diagnostic);
    }
}
