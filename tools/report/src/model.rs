//! The data of a report. Lines and columns count from 1, files by their number in [`Report::files`].

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

/// The version of this data, which changes with any change that old readers would misread.
pub const SCHEMA: u32 = 1;

/// What the compiler tells of its work on one program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this data.
    pub schema: u32,
    /// The compiler and its version.
    pub compiler: String,
    /// The program, as named on the command line.
    pub program: String,
    /// How it was compiled.
    pub unit: Unit,
    /// The files that something in the report stands in; the program's own first.
    pub files: Vec<File>,
    /// The functions of these files.
    pub functions: Vec<Function>,
    /// Which function stands in which other one after inlining, and the operations that came with it.
    pub calls: Vec<Call>,
    /// The exports.
    pub entries: Vec<Entry>,
    /// What was fused, what was not, and what else passes have to say.
    pub remarks: Vec<Remark>,
    /// What the workspaces of the exports hold over time.
    pub workspaces: Vec<Workspace>,
    /// What the compiler spent its time on, in order.
    pub times: Vec<Time>,
    /// The program at each level, from the first to the last.
    pub levels: Vec<Level>,
}

/// How a program was compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unit {
    /// The target triple and the CPU.
    pub target: String,
    /// 0 to 3.
    pub opt_level: u8,
    /// The most threads that a call runs on.
    pub threads: u32,
    /// The GPU that there is code for, too.
    pub gpu: Option<String>,
}

/// A source file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct File {
    /// As shown in messages.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A function of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The number of its file.
    pub file: usize,
    /// Its first and its last line.
    pub lines: (usize, usize),
}

/// One function that stands in another, or in itself where it calls itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The number of the function that calls.
    pub caller: usize,
    /// The number of the one that is called.
    pub callee: usize,
    /// How many operations came with it into exports.
    pub operations: usize,
}

/// A place in the source.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Place {
    /// The number of the file.
    pub file: usize,
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A number that depends on dims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    /// As a polynomial in the dims; `?` where it depends on values.
    pub formula: String,
    /// Its value at the dims of the report.
    pub value: Option<u64>,
}

/// A dim and the size at which the report gives numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dim {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: i64,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its name in the program.
    pub name: String,
    /// Its name in C.
    pub symbol: String,
    /// Its dims.
    pub dims: Vec<Dim>,
    /// Its floating-point operations: additions, multiplications, divisions, comparisons of sizes and functions each count 1.
    pub flops: Amount,
    /// The bytes that its nests read from and write to memory, each buffer once for each nest.
    pub bytes: Amount,
    /// The same by line.
    pub costs: Vec<Cost>,
    /// What is left after fusion: products, nests of loops and copies, in their order.
    pub nests: Vec<Nest>,
    /// The buffers by which they depend on each other.
    pub edges: Vec<Edge>,
}

/// What a line of the source costs in an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// The number of the file.
    pub file: usize,
    /// The line.
    pub line: usize,
    /// The floating-point operations of what stands there, derivatives of it with it, before fusion.
    pub flops: Amount,
    /// The same with what it calls.
    pub flops_with_calls: Amount,
    /// The bytes that nests of loops which end there read and write, after fusion.
    pub bytes: Amount,
}

/// What a nest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A product of matrices, with what goes through its tiles.
    Product,
    /// Element by element.
    Elementwise,
    /// Sums, maxima and the like, with what is fused to them.
    Reduction,
    /// A loop or a branch of the program, around others.
    Control,
    /// Other loops: gathers, scatters, sorts, windows.
    Loop,
    /// Memory that is filled or copied.
    Copy,
}

/// A piece of work that goes through memory by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nest {
    /// What it is.
    pub kind: Kind,
    /// Where what it ends with stands.
    pub place: Option<Place>,
    /// Where everything stands that was fused in it, without repetitions.
    pub members: Vec<Place>,
    /// What it reads from memory.
    pub reads: Amount,
    /// What it writes.
    pub writes: Amount,
    /// The number of the loop or branch that it stands in.
    pub inside: Option<usize>,
    /// The kernel of a product.
    pub kernel: Option<String>,
}

/// A buffer that one nest writes and another one reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// The number of the nest that writes.
    pub from: usize,
    /// The number of the nest that reads.
    pub to: usize,
    /// The buffer's type.
    pub ty: String,
    /// Its size in bytes.
    pub bytes: Amount,
}

/// What sort of thing a remark says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Note {
    /// Something was made better.
    Passed,
    /// Something was not, and why.
    Missed,
    /// What was found out.
    Analysis,
}

/// What a pass has to say of a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Remark {
    /// What sort it is.
    pub kind: Note,
    /// What it is about, such as `fusion`.
    pub about: String,
    /// Its code, which `dlc explain` knows.
    pub code: String,
    /// Where.
    pub place: Option<Place>,
    /// The other place that it is about, and what that is to it.
    pub other: Option<(Place, String)>,
    /// In words.
    pub message: String,
    /// What is saved, or what it costs.
    pub bytes: Option<Amount>,
}

/// What the workspace of an export holds over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Workspace {
    /// The export.
    pub entry: String,
    /// Its dims.
    pub dims: Vec<Dim>,
    /// Its size.
    pub bytes: u64,
    /// The most that is alive at one time.
    pub least_bytes: u64,
    /// What is alive in each step.
    pub alive_bytes: Vec<u64>,
    /// The memory that buffers share.
    pub slots: Vec<Slot>,
    /// The buffers, in the order in which they are made.
    pub buffers: Vec<Buffer>,
}

/// Memory for some buffers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slot {
    /// Where it begins.
    pub offset: u64,
    /// Its size.
    pub bytes: u64,
}

/// A buffer in the workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Buffer {
    /// Its type, such as `f32[B, 64]`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Its size.
    pub bytes: u64,
    /// The number of its slot.
    pub slot: usize,
    /// Where it begins in the slot.
    pub offset: u64,
    /// The first step in which it is alive,
    pub from: usize,
    /// and the last.
    pub to: usize,
    /// Where it is made: file and line.
    pub made: Option<(String, usize)>,
    /// Where it is used last.
    pub last: Option<(String, usize)>,
}

/// A part of the compiler's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Time {
    /// The pass; what is in parentheses is none.
    pub name: String,
    /// How long it took.
    pub milliseconds: f64,
}

/// The program at a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    /// Its word for `--emit`.
    pub name: String,
    /// Its functions, as text.
    pub functions: Vec<Text>,
}

/// A function at a level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Text {
    /// Its name there.
    pub name: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// The place in the source of each line: an index of `places`, from 1; 0 where it has none.
    pub at: Vec<usize>,
    /// File and line of places.
    pub places: Vec<(usize, usize)>,
    /// How many lines were left out at the end.
    pub left_out: usize,
}

/// A report for programs to read.
///
/// # Errors
/// None that a report could cause; `serde_json` allows for them.
pub fn json(report: &Report) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

/// The JSON schema of a report.
pub fn schema() -> String {
    format!("{:#}\n", schema_for!(Report).to_value())
}
