//! The shape of a launch, and what makes it one that a device can do.

use crate::device::{About, Kernel};
use crate::error::GpuError;

/// The first capability that has clusters.
const CLUSTERS: u32 = 90;

/// How many blocks and threads a launch has, and the shared memory of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Blocks along x, y and z.
    pub grid: [i64; 3],
    /// Threads of a block along x, y and z.
    pub block: [i64; 3],
    /// Blocks of a cluster along x, y and z; ones where there are no clusters.
    pub cluster: [i64; 3],
    /// Bytes of dynamic shared memory of a block.
    pub shared: i64,
}

/// A shape that fits a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitted {
    /// Blocks along x, y and z.
    pub grid: [u32; 3],
    /// Threads of a block along x, y and z.
    pub block: [u32; 3],
    /// Blocks of a cluster along x, y and z.
    pub cluster: [u32; 3],
    /// Bytes of dynamic shared memory of a block.
    pub shared: u32,
}

impl Shape {
    /// So many blocks of so many threads along x.
    pub fn line(blocks: i64, threads: i64) -> Self {
        Self {
            grid: [blocks, 1, 1],
            block: [threads, 1, 1],
            cluster: [1; 3],
            shared: 0,
        }
    }

    /// The shape as the device takes it; nothing where there are no blocks.
    ///
    /// # Errors
    /// [`GpuError::BadLaunch`] names what does not fit the device, or the number of arguments.
    pub fn fit(
        &self,
        about: &About,
        kernel: &Kernel,
        arguments: usize,
    ) -> Result<Option<Fitted>, GpuError> {
        self.fitted(about, kernel, arguments)
            .map_err(|message| GpuError::BadLaunch {
                kernel: kernel.name.clone(),
                message,
            })
    }

    fn fitted(
        &self,
        about: &About,
        kernel: &Kernel,
        arguments: usize,
    ) -> Result<Option<Fitted>, String> {
        let limits = &about.limits;
        if arguments != kernel.parameters {
            return Err(format!(
                "{arguments} arguments for {} parameters",
                kernel.parameters
            ));
        }
        let grid = each("blocks", self.grid, 0, limits.grid)?;
        let block = each("threads of a block", self.block, 1, limits.block)?;
        let threads: u64 = block.iter().map(|n| u64::from(*n)).product();
        if threads > u64::from(limits.threads) {
            return Err(format!(
                "{threads} threads of a block, {} at most",
                limits.threads
            ));
        }
        let shared = within("bytes of shared memory", self.shared, 0, limits.shared)?;
        let cluster = each("blocks of a cluster", self.cluster, 1, [u32::MAX; 3])?;
        let blocks = cluster
            .iter()
            .try_fold(1_u32, |product, n| product.checked_mul(*n));
        if blocks != Some(1) {
            clusters(about, grid, cluster, blocks)?;
        }
        Ok((!grid.contains(&0)).then_some(Fitted {
            grid,
            block,
            cluster,
            shared,
        }))
    }
}

fn clusters(
    about: &About,
    grid: [u32; 3],
    cluster: [u32; 3],
    blocks: Option<u32>,
) -> Result<(), String> {
    if about.capability.0 < CLUSTERS {
        return Err(format!(
            "clusters, which compute capability {} has not",
            about.capability
        ));
    }
    if blocks.is_none_or(|blocks| blocks > about.limits.cluster) {
        return Err(format!(
            "clusters of {cluster:?} blocks, {} at most",
            about.limits.cluster
        ));
    }
    let mut axes = grid.iter().zip(&cluster);
    match axes.all(|(grid, cluster)| grid.is_multiple_of(*cluster)) {
        true => Ok(()),
        false => Err(format!(
            "{grid:?} blocks, which clusters of {cluster:?} do not divide"
        )),
    }
}

fn each(what: &str, values: [i64; 3], least: u32, most: [u32; 3]) -> Result<[u32; 3], String> {
    let mut fitted = [0; 3];
    for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
        fitted[axis] = within(
            &format!("{what} along {name}"),
            values[axis],
            least,
            most[axis],
        )?;
    }
    Ok(fitted)
}

fn within(what: &str, value: i64, least: u32, most: u32) -> Result<u32, String> {
    let found = u32::try_from(value).ok();
    let found = found.filter(|found| (least..=most).contains(found));
    found.ok_or_else(|| format!("{value} {what}, not {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::about;

    fn fit(change: impl FnOnce(&mut Shape)) -> Result<Option<Fitted>, String> {
        let mut shape = Shape::line(4, 128);
        change(&mut shape);
        let kernel = Kernel {
            name: "k".into(),
            parameters: 2,
            id: 0,
        };
        let fitted = shape.fit(&about(90), &kernel, 2);
        fitted.map_err(|error| error.to_string())
    }

    #[test]
    fn shapes_within_the_limits_fit() {
        let fitted = fit(|_| {}).unwrap().unwrap();
        assert_eq!((fitted.grid, fitted.block), ([4, 1, 1], [128, 1, 1]));
        let largest = fit(|shape| {
            shape.grid = [i64::from(i32::MAX), 65535, 65535];
            shape.block = [16, 1, 64];
            shape.shared = 232_448;
        });
        assert_eq!(largest.unwrap().unwrap().shared, 232_448);
        assert_eq!(fit(|shape| shape.grid[1] = 0).unwrap(), None);
        let clusters = fit(|shape| shape.cluster[0] = 2).unwrap().unwrap();
        assert_eq!(clusters.cluster, [2, 1, 1]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let refused = |change: fn(&mut Shape), words: &str| {
            let message = fit(change).unwrap_err();
            assert_eq!(message, format!("the launch of k is refused: {words}"));
        };
        refused(
            |shape| shape.grid[0] = -1,
            "-1 blocks along x, not 0 to 2147483647",
        );
        refused(
            |shape| shape.grid[1] = 65536,
            "65536 blocks along y, not 0 to 65535",
        );
        refused(
            |shape| shape.grid[0] = 1 << 40,
            "1099511627776 blocks along x, not 0 to 2147483647",
        );
        refused(
            |shape| shape.block[2] = 65,
            "65 threads of a block along z, not 1 to 64",
        );
        refused(
            |shape| shape.block[0] = 0,
            "0 threads of a block along x, not 1 to 1024",
        );
        refused(
            |shape| shape.block = [32, 32, 2],
            "2048 threads of a block, 1024 at most",
        );
        refused(
            |shape| shape.shared = 232_449,
            "232449 bytes of shared memory, not 0 to 232448",
        );
        refused(
            |shape| shape.cluster[0] = 16,
            "clusters of [16, 1, 1] blocks, 8 at most",
        );
        refused(
            |shape| shape.cluster = [1 << 20, 1 << 20, 1],
            "clusters of [1048576, 1048576, 1] blocks, 8 at most",
        );
        refused(
            |shape| shape.cluster[0] = 3,
            "[4, 1, 1] blocks, which clusters of [3, 1, 1] do not divide",
        );
    }

    #[test]
    fn clusters_and_arguments_are_checked_against_device_and_kernel() {
        let kernel = Kernel {
            name: "k".into(),
            parameters: 2,
            id: 0,
        };
        let mut shape = Shape::line(4, 128);
        let error = shape.fit(&about(90), &kernel, 3).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the launch of k is refused: 3 arguments for 2 parameters"
        );
        shape.cluster[0] = 2;
        let error = shape.fit(&about(86), &kernel, 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the launch of k is refused: clusters, which compute capability 8.6 has not"
        );
    }
}
