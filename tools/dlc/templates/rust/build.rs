//! Compiles the model by `dlc`, the program that the variable DLC names or else the one in PATH, and links it.

fn main() -> Result<(), dlc_build::Error> {
    dlc_build::compile("spiral.dl")
}
