//! A kernel around a program's function, and its arguments.

/// An argument of a kernel.
#[derive(Clone, Copy, Debug)]
pub enum Argument {
    Index(i64),
    F32(f32),
    /// Address, offset, sizes, strides.
    Matrix(u64, i64, [i64; 2], [i64; 2]),
    /// Address, offset, size, stride.
    Vector(u64, i64, i64, i64),
}

/// The bytes of arguments as a kernel takes them: memrefs as two pointers, the offset, sizes and strides.
pub fn parameters(arguments: &[Argument]) -> Vec<u8> {
    let mut bytes = vec![];
    for argument in arguments {
        let numbers = match *argument {
            Argument::F32(value) => {
                bytes.extend(value.to_le_bytes());
                continue;
            }
            Argument::Index(value) => vec![value],
            Argument::Matrix(address, offset, sizes, strides) => {
                let address = address as i64;
                [&[address, address, offset], &sizes[..], &strides].concat()
            }
            Argument::Vector(address, offset, size, stride) => {
                let address = address as i64;
                vec![address, address, offset, size, stride]
            }
        };
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes
}

/// A module with a function `name` and a kernel `kernel` that takes what the function takes but for its first parameter, which is the
/// number of the block.
pub fn module(functions: &str, name: &str) -> String {
    let head = format!("func.func private @{name}(");
    let (_, parameters) = functions.split_once(&head).expect("the function is there");
    let (parameters, _) = parameters
        .split_once(") attributes")
        .expect("it has a body");
    let types = parameters.split(", %");
    let types: Vec<_> = types.map(|one| one.split_once(": ").unwrap().1).collect();
    let taken = types.iter().skip(1).enumerate();
    let taken: Vec<_> = taken.map(|(at, ty)| format!("%p{at}: {ty}")).collect();
    let passed: Vec<_> = (1..types.len()).map(|at| format!("%p{}", at - 1)).collect();
    format!(
        "{functions}func.func @kernel({}) {{\n\
         %block = nvvm.read.ptx.sreg.ctaid.x : i32\n%tile = arith.index_cast %block : i32 to index\n\
         func.call @{name}(%tile, {}) : ({}) -> ()\nfunc.return\n}}\n",
        taken.join(", "),
        passed.join(", "),
        types.join(", ")
    )
}
