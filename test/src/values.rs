//! Inputs of tests: random numbers from a fixed seed, and the special values of each element type.

use anyhow::Result;
use dlc_abi::DType;
pub use dlc_programs::random::Random;
use dlc_runtime::Tensor;

/// Whether an element type is a float.
pub fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
}

/// The greatest and the least normal positive number, and the least positive one.
fn limits(dtype: DType) -> [f64; 3] {
    match dtype {
        DType::F16 => [65504.0, 2f64.powi(-14), 2f64.powi(-24)],
        DType::BF16 => [3.3895313892515355e38, 2f64.powi(-126), 2f64.powi(-133)],
        DType::F32 => [
            f64::from(f32::MAX),
            f64::from(f32::MIN_POSITIVE),
            2f64.powi(-149),
        ],
        _ => [f64::MAX, f64::MIN_POSITIVE, f64::from_bits(1)],
    }
}

/// The values of a type that arithmetic is awkward at, as bits.
pub fn special(dtype: DType) -> Vec<u64> {
    if dtype == DType::Bool {
        return vec![0, 1];
    }
    if is_float(dtype) {
        let [greatest, normal, least] = limits(dtype);
        let mut values = vec![0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 20.0, f64::INFINITY];
        values.extend([
            greatest,
            normal,
            least,
            normal * 0.75,
            1e-3,
            std::f64::consts::PI,
        ]);
        let negative = values.iter().map(|v| -v).collect::<Vec<_>>();
        values.extend(negative);
        values.push(f64::NAN);
        return values.into_iter().map(|v| float_bits(dtype, v)).collect();
    }
    let width = dtype.size() as u32 * 8;
    let mask = u64::MAX >> (64 - width);
    let least = 1u64 << (width - 1);
    let values = [0, 1, 2, 3, 5, 7, u64::from(width), least - 1, least];
    let all = values.iter().flat_map(|&v| [v, v.wrapping_neg()]);
    let mut bits = all.chain([least + 1]).map(|v| v & mask).collect::<Vec<_>>();
    bits.sort();
    bits.dedup();
    bits
}

/// The bits of the float nearest to a value (but for double rounding, which no test input minds).
pub fn float_bits(dtype: DType, value: f64) -> u64 {
    let tensor = Tensor::full(dtype, &[], value).expect("floats hold any number");
    let mut word = [0; 8];
    word[..dtype.size()].copy_from_slice(tensor.bytes());
    u64::from_le_bytes(word)
}

/// A random element, as bits: small and large numbers alike.
pub fn any(dtype: DType, random: &mut Random) -> u64 {
    if dtype == DType::Bool {
        return random.bits() & 1;
    }
    if is_float(dtype) {
        let [greatest, normal, _] = limits(dtype);
        let value = match random.below(4) {
            0 | 1 => random.uniform(-4.0, 4.0),
            2 => random.uniform(-100.0, 100.0),
            _ => {
                let exponent = random.uniform(normal.log2(), greatest.log2());
                exponent.exp2() * [1.0, -1.0][random.below(2)]
            }
        };
        return float_bits(dtype, value);
    }
    let mask = u64::MAX >> (64 - dtype.size() as u32 * 8);
    match random.below(2) {
        0 => (random.below(21) as u64).wrapping_sub(10) & mask,
        _ => random.bits() & mask,
    }
}

/// A tensor of elements given as bits.
pub fn tensor(dtype: DType, shape: &[usize], mut bits: impl FnMut() -> u64) -> Result<Tensor> {
    let size = dtype.size();
    let count = shape.iter().product::<usize>();
    let bytes = (0..count)
        .flat_map(|_| bits().to_le_bytes().into_iter().take(size))
        .collect::<Vec<_>>();
    Ok(Tensor::from_bytes(dtype, shape, &bytes)?)
}

/// A tensor of any values.
pub fn random_tensor(dtype: DType, shape: &[usize], random: &mut Random) -> Result<Tensor> {
    tensor(dtype, shape, || any(dtype, random))
}

/// A tensor of whole numbers in `low..=high` (clamped to what the type has), which sums in any order are exact on.
pub fn whole_tensor(
    dtype: DType,
    shape: &[usize],
    (low, high): (i64, i64),
    random: &mut Random,
) -> Result<Tensor> {
    let low = match dtype {
        DType::Bool | DType::U8 | DType::U32 | DType::U64 => low.max(0),
        _ => low,
    };
    let high = if dtype == DType::Bool {
        high.min(1)
    } else {
        high
    };
    let mut tensor = Tensor::zeros(dtype, shape)?;
    tensor.fill_with(|| (low + random.below((high - low + 1) as usize) as i64) as f64)?;
    Ok(tensor)
}

/// A tensor of floats in a range, uniform.
pub fn uniform_tensor(
    dtype: DType,
    shape: &[usize],
    (low, high): (f64, f64),
    random: &mut Random,
) -> Result<Tensor> {
    let mut tensor = Tensor::zeros(dtype, shape)?;
    tensor.fill_with(|| random.uniform(low, high))?;
    Ok(tensor)
}
