//! The codes of all diagnostics.
//!
//! 00xx characters, 01xx grammar, 02xx types and shapes, 03xx derivatives, 04xx `inout` and in-place updates, 05xx
//! keys, 06xx names, 07xx calls and arguments, 08xx not yet supported, 09xx warnings, 10xx run time,
//! 11xx remarks on the code that is made.
//!
//! To add a code: put it in the list below, in order, and write its page `codes/DLnnnn.md`: a title line
//! (`# inner dims of a matrix product differ`), an explanation, a wrong program in a fence ```` ```dl,wrong ````
//! and a right one in a fence ```` ```dl ````. A test checks that the wrong program gives this code and the right
//! one gives no diagnostic at all. What is found after checking has ```` ```dl,wrong,build ```` and ```` ```dl,build ````,
//! which the filetests build; run-time codes have ```` ```text ````. A warning also has a name, in [`Code::lint`]. A golden
//! under `test/frontend` shows each code. Codes are never reused for something else.

macro_rules! codes {
    ($($code:ident)*) => {
        /// The code of a diagnostic.
        #[allow(missing_docs, reason = "each has a page, see `Code::page`")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($code),* }

        impl Code {
            /// All codes, in order.
            pub const ALL: &[Code] = &[$(Code::$code),*];

            /// As printed: `DL0203`.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$code => stringify!($code)),* }
            }

            /// The page that `dlc explain` shows, in Markdown.
            pub const fn page(self) -> &'static str {
                match self { $(Code::$code => include_str!(concat!("codes/", stringify!($code), ".md"))),* }
            }
        }
    };
}

codes! {
    DL0001 DL0002 DL0003 DL0004 DL0005 DL0006 DL0007
    DL0101 DL0102 DL0103 DL0104 DL0105 DL0106 DL0107 DL0108 DL0109 DL0110 DL0111 DL0112 DL0113
    DL0201 DL0202 DL0203 DL0204 DL0205 DL0206 DL0207 DL0208 DL0209 DL0210 DL0211 DL0212 DL0213 DL0214 DL0215 DL0216
    DL0217 DL0218 DL0219 DL0220 DL0221 DL0222 DL0223 DL0224 DL0226 DL0227 DL0230 DL0231
    DL0301 DL0302 DL0303 DL0304 DL0305 DL0310 DL0311 DL0312 DL0313 DL0314
    DL0401 DL0402 DL0403 DL0404 DL0410
    DL0501 DL0502
    DL0601 DL0602 DL0603 DL0604 DL0605 DL0606 DL0607 DL0608 DL0609
    DL0701 DL0702 DL0703 DL0704 DL0705 DL0707 DL0708 DL0709 DL0710 DL0711 DL0712 DL0713
    DL0801 DL0802
    DL0901 DL0902 DL0903 DL0904 DL0905 DL0906
    DL1001 DL1002 DL1003 DL1004 DL1005 DL1006 DL1007 DL1008 DL1011 DL1012 DL1013 DL1014 DL1015
    DL1016 DL1017 DL1018
    DL1021 DL1022
    DL1101 DL1102
}

impl Code {
    /// The title of its page.
    pub fn title(self) -> &'static str {
        let first = self.page().lines().next().unwrap_or_default();
        first.trim_start_matches('#').trim()
    }

    /// What a warning is called on the command line, where it can be switched off or made an error.
    pub const fn lint(self) -> Option<&'static str> {
        match self {
            Code::DL0901 => Some("unused-values"),
            Code::DL0902 => Some("unassigned-inouts"),
            Code::DL0903 => Some("comments-like-divisions"),
            Code::DL0904 => Some("unused-imports"),
            Code::DL0905 => Some("unused-variables"),
            Code::DL0906 => Some("broken-doc-links"),
            _ => None,
        }
    }

    /// The code of a lint; `_` is as good as `-`.
    pub fn of_lint(name: &str) -> Option<Code> {
        let name = name.replace('_', "-");
        let all = Code::ALL.iter().copied();
        all.into_iter().find(|code| code.lint() == Some(&name))
    }

    /// The code of a name, in any case, with or without `DL`: `DL0203`, `dl203`, `0203`.
    pub fn parse(text: &str) -> Option<Code> {
        let text = text.trim();
        let digits = text
            .strip_prefix("DL")
            .or_else(|| text.strip_prefix("dl"))
            .unwrap_or(text);
        let number: u16 = digits.parse().ok()?;
        let name = format!("DL{number:04}");
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
