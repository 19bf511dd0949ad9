//! Functions of single values made functions of the 32 lanes of a warp.

/// A register of all lanes; a value has its type's bits, all above are zero.
pub(crate) type Lanes = [u64; 32];

/// What a computation gives in all lanes, of up to four sources.
pub(crate) type Apply = Box<dyn Fn(&[&Lanes; 4], &mut Lanes) + Send + Sync>;

/// A function of one value.
pub(crate) fn lift1(f: impl Fn(u64) -> u64 + Send + Sync + 'static) -> Apply {
    Box::new(move |[a, ..], result| {
        for (result, a) in result.iter_mut().zip(a.iter()) {
            *result = f(*a);
        }
    })
}

/// A function of two values.
pub(crate) fn lift2(f: impl Fn(u64, u64) -> u64 + Send + Sync + 'static) -> Apply {
    Box::new(move |[a, b, ..], result| {
        for lane in 0..32 {
            result[lane] = f(a[lane], b[lane]);
        }
    })
}

/// A function of three values.
pub(crate) fn lift3(f: impl Fn(u64, u64, u64) -> u64 + Send + Sync + 'static) -> Apply {
    Box::new(move |[a, b, c, _], result| {
        for lane in 0..32 {
            result[lane] = f(a[lane], b[lane], c[lane]);
        }
    })
}

/// A function of four values.
pub(crate) fn lift4(f: impl Fn(u64, u64, u64, u64) -> u64 + Send + Sync + 'static) -> Apply {
    Box::new(move |[a, b, c, d], result| {
        for lane in 0..32 {
            result[lane] = f(a[lane], b[lane], c[lane], d[lane]);
        }
    })
}
