//! The C header of a built library.
//!
//! Trees become structs of pointers to their leaves, in field order, so that a struct is in
//! memory a flat array of pointers; nested structs and lists stand inline. What holds no tensor
//! has no member.

mod variants;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use dlc_abi::{DType, Entry, Manifest, Mode, Tree, status, symbol};

use crate::layout::{StructType, Structs, dl_signature, is_empty, leaf_comment, unique, visible};

/// The text of `STEM.h`.
pub fn generate(manifest: &Manifest) -> String {
    let header = Header {
        manifest,
        structs: Structs::of(manifest),
    };
    let mut text = header.opening();
    for def in header.structs.iter() {
        text += &header.struct_type(def);
    }
    for entry in &manifest.entries {
        text += &header.entry(entry);
    }
    text += &header.closing();
    text
}

struct Header<'a> {
    manifest: &'a Manifest,
    structs: Structs,
}

impl Header<'_> {
    fn stem(&self) -> &str {
        &self.manifest.stem
    }

    fn guard(&self) -> String {
        format!("DLC_{}_H", self.stem().to_ascii_uppercase())
    }

    fn opening(&self) -> String {
        let (stem, guard) = (self.stem(), self.guard());
        let upper = stem.to_ascii_uppercase();
        format!(
            "/* {stem}.h, made by {} for {}; do not edit.\n\
             \x20*\n\
             \x20* Every function returns 0, or a status that its _message function explains; it\n\
             \x20* then has written nothing. No function allocates memory or keeps any: calls in\n\
             \x20* several threads are safe as long as no two share memory that one of them writes.\n\
             \x20*\n\
             \x20* Tensors are dense, in C order (last axis fastest), and aligned to their element\n\
             \x20* type. What is `out` or `inout` overlaps nothing else. The workspace has at least\n\
             \x20* the size that the _workspace function gives for the dims, is aligned to 64\n\
             \x20* bytes, and need not be kept or cleared between calls.\n\
             \x20*\n\
             \x20* A bool is one byte, 0 or 1. f16 and bf16 are passed as their bits. A key is two\n\
             \x20* uint32_t; key(42) is {{0, 42}}.\n\
             \x20*/\n\
             #ifndef {guard}\n\
             #define {guard}\n\
             \n\
             #include <stddef.h>\n\
             #include <stdint.h>\n\
             #include <string.h>\n\
             \n\
             {chosen}{executor}\
             /* The hash of all signatures below; {hash_function}() gives that of the library. */\n\
             #define {upper}_ABI_HASH \"{}\"\n\
             /* Whether they agree. Where they do not, the library was built anew and this header was not. */\n\
             #define {upper}_ABI_IS_RIGHT() (strcmp({hash_function}(), {upper}_ABI_HASH) == 0)\n\
             \n\
             #ifdef __cplusplus\n\
             extern \"C\" {{\n\
             #endif\n\
             \n\
             const char *{hash_function}(void);\n{cpus}\
             {trace}",
            comment(&self.manifest.compiler),
            comment(&self.manifest.target),
            comment(&self.manifest.abi_hash),
            hash_function = symbol::abi_hash(stem),
            chosen = variants::choice(self.manifest),
            executor = variants::types(self.manifest),
            trace = variants::tracing(self.manifest),
            cpus = variants::cpus(self.manifest),
        )
    }

    fn closing(&self) -> String {
        format!(
            "\n#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {} */\n",
            self.guard()
        )
    }

    fn struct_name(&self, def: &StructType) -> String {
        let name = format!("{}_{}", self.stem(), def.name);
        let taken = self.manifest.entries.iter().any(|entry| {
            [
                &entry.symbol,
                &entry.packed_symbol,
                &entry.workspace_symbol,
                &entry.message_symbol(),
                &entry.on_symbol(),
                &entry.packed_on_symbol(),
                &entry.gpu_symbol(),
                &entry.packed_gpu_symbol(),
                &entry.workspace_gpu_symbol(),
            ]
            .contains(&&name)
        });
        if taken { format!("{name}_t") } else { name }
    }

    fn struct_type(&self, def: &StructType) -> String {
        let name = self.struct_name(def);
        let mut text = format!(
            "\n/* The tensors of a `{}`. */\ntypedef struct {name} {{\n",
            def.name
        );
        text += &self.members(&def.fields, def.one_shape);
        let _ = writeln!(text, "}} {name};");
        text
    }

    /// The members of a struct; a dummy where there would be none, which C does not allow.
    fn members(&self, fields: &[(String, Tree)], one_shape: bool) -> String {
        let mut text = String::new();
        let mut taken = BTreeSet::new();
        for (name, tree) in fields.iter().filter(|(_, tree)| !is_empty(tree)) {
            let name = fresh(c_name(name, self.stem()), &mut taken);
            let (declaration, note) = self.member(&name, "", tree, one_shape);
            let _ = writeln!(text, "  {declaration};{}", trailing(&note));
        }
        if text.is_empty() {
            text.push_str("  void *no_tensors;\n");
        }
        text
    }

    /// The declaration of a member, and what it points to.
    fn member(&self, name: &str, axes: &str, tree: &Tree, one_shape: bool) -> (String, String) {
        match tree {
            Tree::Tensor { dtype, shape } => (
                format!("{} *{name}{axes}", dtype.c_name()),
                leaf_comment(*dtype, shape, one_shape),
            ),
            Tree::Struct { .. } => {
                let ty = self.struct_name(self.structs.get(tree));
                (format!("{ty} {name}{axes}"), String::new())
            }
            Tree::List(items) => match items.first() {
                Some(item) => {
                    let axes = format!("{axes}[{}]", items.len());
                    let (declaration, note) = self.member(name, &axes, item, one_shape);
                    let note = match note.is_empty() || note.starts_with("each ") {
                        true => note,
                        false => format!("each {note}"),
                    };
                    (declaration, note)
                }
                None => (format!("void *{name}{axes}"), String::new()),
            },
            Tree::Tuple(items) => {
                let mut text = String::from("struct { ");
                for (i, item) in items.iter().enumerate().filter(|(_, t)| !is_empty(t)) {
                    let (declaration, _) = self.member(&format!("_{i}"), "", item, one_shape);
                    let _ = write!(text, "{declaration}; ");
                }
                let _ = write!(text, "}} {name}{axes}");
                (text, tree.to_string())
            }
        }
    }

    fn entry(&self, entry: &Entry) -> String {
        let signature = Signature::of(self, entry);
        let mut text = String::new();
        for declaration in &signature.types {
            text += declaration;
        }
        text += "\n/*\n";
        let _ = writeln!(text, " * {}", comment(&dl_signature(entry)));
        for line in entry.doc.lines() {
            let _ = writeln!(text, " *   {}", comment(line.trim()));
        }
        text += " *\n";
        for row in &signature.rows {
            let _ = writeln!(text, " *   {}", comment(row));
        }
        for condition in &entry.conditions {
            let row = format!("where {} ({})", condition.text, condition.source);
            let _ = writeln!(text, " *   {}", comment(&row));
        }
        text += " *\n *   statuses: 0 done\n";
        for status in &entry.statuses {
            let row = format!("{:>13} {}", status.code, status.message);
            let _ = writeln!(text, " *   {}", comment(&row).trim_end());
        }
        for (code, ..) in status::ON_GPU {
            let message = status::device_message(&entry.name, code);
            if let (Some(_), Some(message)) = (&self.manifest.gpu, message) {
                let row = format!("{code:>13} {message}");
                let _ = writeln!(text, " *   {}", comment(&row));
            }
        }
        text += " */\n";
        let dims: Vec<String> = signature.dims();
        text += &variants::prototype("int32_t ", &entry.symbol, &signature.parameters);
        text += "/* The size of the workspace in bytes; SIZE_MAX when it does not fit. */\n";
        text += &variants::prototype("size_t ", &entry.workspace_symbol, &dims);
        text += match self.manifest.gpu {
            None => "/* What a status of the function means; a static text. */\n",
            Some(_) => {
                "/* What a status of the function means; it stays until the thread's next call. */\n"
            }
        };
        let status = ["int32_t status".to_string()];
        text += &variants::prototype("const char *", &entry.message_symbol(), &status);
        text += "/* The same for loaders: dims and leaves as arrays, in the order of the manifest. */\n";
        let packed = [
            "const int64_t *dims",
            "void *const *leaves",
            "void *workspace",
            "size_t workspace_bytes",
        ];
        let packed = packed.map(str::to_string);
        text += &variants::prototype("int32_t ", &entry.packed_symbol, &packed);
        text += &variants::declarations(self.manifest, entry, &signature.parameters, &packed);
        text
    }
}

/// The C parameters of an entry, what the comment says of them, and the types they need.
struct Signature {
    dim_count: usize,
    parameters: Vec<String>,
    rows: Vec<String>,
    types: Vec<String>,
}

impl Signature {
    fn of(header: &Header<'_>, entry: &Entry) -> Self {
        let mut signature = Self {
            dim_count: entry.dims.len(),
            parameters: Vec::new(),
            rows: Vec::new(),
            types: Vec::new(),
        };
        let mut taken: BTreeSet<String> = ["out", "workspace", "workspace_bytes"]
            .map(str::to_string)
            .into();
        for dim in &entry.dims {
            let name = fresh(c_name(&dim.name, header.stem()), &mut taken);
            let range = dlc_abi::status::range_text(dim.min, dim.max);
            signature.row(&name, "dim", &range);
            signature.parameters.push(format!("int64_t {name}"));
        }
        // What holds no tensor is no parameter in C.
        for param in entry.params.iter().filter(|param| !is_empty(&param.tree)) {
            let name = fresh(c_name(&param.name, header.stem()), &mut taken);
            signature.param(header, entry, &name, param.mode, &param.tree);
        }
        if let Some(result) = entry.result.as_ref().filter(|tree| !is_empty(tree)) {
            signature.pass(header, entry, "out", "out", result, false);
        }
        signature.row("workspace", "", "scratch memory, aligned to 64 bytes");
        signature.parameters.push("void *workspace".to_string());
        signature.row("workspace_bytes", "", "its size");
        signature
            .parameters
            .push("size_t workspace_bytes".to_string());
        signature
    }

    fn param(&mut self, header: &Header<'_>, entry: &Entry, name: &str, mode: Mode, tree: &Tree) {
        match (mode, tree) {
            (Mode::In, Tree::Tensor { dtype, .. }) if tree.is_plain_scalar() => {
                self.row(name, "in", &tree.to_string());
                self.parameters.push(format!("{} {name}", dtype.c_name()));
            }
            (Mode::In, _) => self.pass(header, entry, name, "in", tree, true),
            (Mode::InOut, _) => self.pass(header, entry, name, "inout", tree, false),
        }
    }

    /// A tensor or tree by pointer.
    fn pass(
        &mut self,
        header: &Header<'_>,
        entry: &Entry,
        name: &str,
        mode: &str,
        tree: &Tree,
        read_only: bool,
    ) {
        self.row(name, mode, &tree.to_string());
        let constant = if read_only { "const " } else { "" };
        let ty = match tree {
            Tree::Tensor { dtype, .. } => {
                if *dtype == DType::Key {
                    self.row("", "", "each key is two uint32_t");
                }
                self.parameters
                    .push(format!("{constant}{} *{name}", dtype.c_name()));
                return;
            }
            Tree::Struct { .. } => header.struct_name(header.structs.get(tree)),
            Tree::Tuple(items) => {
                let fields = items.iter().enumerate();
                let fields = fields.map(|(i, item)| (format!("_{i}"), item.clone()));
                self.own_type(header, entry, name, &fields.collect::<Vec<_>>())
            }
            Tree::List(_) => {
                let fields = [("items".to_string(), tree.clone())];
                self.own_type(header, entry, name, &fields)
            }
        };
        for leaf in tree.leaves(name) {
            let row = leaf.to_string();
            self.rows.push(format!("  {:<20} {row}", leaf.path));
        }
        // The struct is only read; what its pointers lead to is what the row says.
        self.parameters.push(format!("const {ty} *{name}"));
    }

    /// A struct type for a tuple or list, `STEM_ENTRY_PARAM`.
    fn own_type(
        &mut self,
        header: &Header<'_>,
        entry: &Entry,
        name: &str,
        fields: &[(String, Tree)],
    ) -> String {
        let ty = format!("{}_{name}_t", entry.symbol);
        let members = header.members(fields, true);
        self.types.push(format!(
            "\n/* `{name}` of {}. */\ntypedef struct {ty} {{\n{members}}} {ty};\n",
            comment(&entry.name)
        ));
        ty
    }

    fn row(&mut self, name: &str, mode: &str, what: &str) {
        self.rows.push(format!("{name:<16} {mode:<5} {what}"));
    }

    fn dims(&self) -> Vec<String> {
        self.parameters[..self.dim_count].to_vec()
    }
}

fn trailing(note: &str) -> String {
    if note.is_empty() {
        String::new()
    } else {
        format!(" /* {} */", comment(note))
    }
}

/// Text that can't end a comment, start one, or hide code from a reader.
fn comment(text: &str) -> String {
    visible(text)
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .replace("??", "? ?")
        .trim_end_matches('\\')
        .to_string()
}

fn fresh(name: String, taken: &mut BTreeSet<String>) -> String {
    let name = unique(name, &taken.iter().map(String::as_str).collect());
    taken.insert(name.clone());
    name
}

/// A parameter or member name that is no keyword, type or macro of C or C++.
pub(crate) fn c_name(name: &str, stem: &str) -> String {
    let name = symbol::identifier(name);
    let upper_after_underscore = name
        .strip_prefix('_')
        .is_some_and(|rest| rest.starts_with(|c: char| c == '_' || c.is_ascii_uppercase()));
    if upper_after_underscore {
        return format!("dl{name}");
    }
    let macro_like = ["_t", "_MAX", "_MIN", "_C", "_WIDTH"]
        .iter()
        .any(|end| name.ends_with(end));
    let ours = name
        .strip_prefix(stem)
        .is_some_and(|rest| rest.starts_with('_'));
    if macro_like || ours || RESERVED.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// Keywords of C23 and C++23, and macros that compilers define by themselves.
const RESERVED: &[&str] = &[
    "NULL",
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "far",
    "float",
    "for",
    "friend",
    "goto",
    "i386",
    "if",
    "inline",
    "int",
    "linux",
    "long",
    "module",
    "mutable",
    "namespace",
    "near",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "offsetof",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "typeof_unqual",
    "union",
    "unix",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "while",
    "xor",
    "xor_eq",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::sample;
    use std::process::Command;

    #[test]
    fn every_parameter_is_documented() {
        let text = generate(&sample());
        for expected in [
            "#ifndef DLC_TINY_H\n",
            " *   B                dim   1..=64\n",
            " *   p                inout Params\n",
            " *     p.blocks.1.w         f32[64, 64]\n",
            " *   x                in    f32[B, (D / 4), 2*D + 1]\n",
            " *   where (D % 4) == 0 (tiny.dl:3)\n",
            "int32_t tiny_step(\n    int64_t B,\n    int64_t D,\n    const tiny_Params *p,\n    \
             const float *x,\n    int32_t int_,\n    float *out_2,\n    const uint32_t *k,\n    \
             uint8_t B_2,\n    float *out,\n    void *workspace,\n    size_t workspace_bytes);\n",
            "size_t tiny_unit_workspace(int64_t B, int64_t D);\n",
            "const char *tiny_step_message(int32_t status);\n",
            "  tiny_Block blocks[2];\n",
            "  double *grid[2][2]; /* each f64[2] */\n",
            "  uint16_t *class_; /* bf16[D] */\n",
        ] {
            assert!(text.contains(expected), "{expected}\nnot in\n{text}");
        }
        assert_eq!(generate(&sample()), text);
    }

    #[test]
    fn names_that_mean_something_in_c_are_changed() {
        for (name, expected) in [
            ("x", "x"),
            ("int", "int_"),
            ("linux", "linux_"),
            ("int64_t", "int64_t_"),
            ("INT32_MAX", "INT32_MAX_"),
            ("_Bool", "dl_Bool"),
            ("__x86_64", "dl__x86_64"),
            ("tiny_Params", "tiny_Params_"),
        ] {
            assert_eq!(c_name(name, "tiny"), expected);
        }
    }

    /// Compiles the header alone and with a call of every entry, in C and C++.
    #[test]
    fn compilers_accept_it_without_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tiny.h"), generate(&sample())).unwrap();
        let flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"];
        for (compiler, language, standard) in [
            ("cc", "c", "-std=c99"),
            ("cc", "c", "-std=gnu17"),
            ("c++", "c++", "-std=c++11"),
            ("c++", "c++", "-std=c++20"),
        ] {
            let source = folder.path().join("use.c");
            std::fs::write(
                &source,
                "#include \"tiny.h\"\n#include \"tiny.h\"\n\
                 int main(void) {\n  tiny_Params p;\n  (void)p.blocks[1].w;\n\
                 return (int)tiny_unit_workspace(1, 4) + tiny_unit(1, 4, 0, 0);\n}\n",
            )
            .unwrap();
            let output = Command::new(compiler)
                .args(flags)
                .args([standard, "-x", language])
                .arg(&source)
                .output();
            match output {
                Ok(output) => assert!(
                    output.status.success(),
                    "{compiler} {standard}: {}",
                    String::from_utf8_lossy(&output.stderr)
                ),
                Err(_) => println!("skipped: no {compiler}"),
            }
        }
    }
}
