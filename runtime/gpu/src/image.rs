//! The kernels of a library as texts, and which text is for a device.

use std::ffi::{CStr, c_char};

use dlc_abi::device::Kernels;

use crate::device::{About, Capability};
use crate::error::GpuError;

/// The capability whose image is for it alone: its text is for `sm_90a`.
const ALONE: Capability = Capability(90);

/// The text of all kernels for one kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'a> {
    /// 80 for devices of 8.0 and above, and so on; 90 for 9.0 only.
    pub capability: Capability,
    /// PTX.
    pub text: &'a CStr,
}

/// All kernels of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images<'a> {
    /// The images, in any order.
    pub images: Vec<Image<'a>>,
    /// The name of each kernel, and how many parameters it has.
    pub kernels: Vec<(&'a str, usize)>,
}

impl<'a> Images<'a> {
    /// The kernels as a library declares them.
    ///
    /// # Errors
    /// [`GpuError::Argument`] where a pointer is null, or a number or a name is none.
    ///
    /// # Safety
    /// What it points to is as its type says, or null, and stays there.
    pub(crate) unsafe fn of_library(kernels: &'a Kernels) -> Result<Self, GpuError> {
        // SAFETY: the caller's promise, here and below.
        let images = unsafe { list(kernels.image, kernels.images, "images")? };
        let images = images.iter().map(|image| {
            // SAFETY: as above.
            let text = unsafe { text(image.text, "an image")? };
            Ok(Image {
                capability: capability(image)?,
                text,
            })
        });
        // SAFETY: as above.
        let names = unsafe { list(kernels.kernel, kernels.count, "kernels")? };
        let names = names.iter().map(|kernel| {
            // SAFETY: as above.
            let name = unsafe { text(kernel.name, "the name of a kernel")? };
            let name = name
                .to_str()
                .map_err(|_| wrong("the name of a kernel is not UTF-8"))?;
            let parameters = usize::try_from(kernel.parameters)
                .map_err(|_| wrong(&format!("{name} has {} parameters", kernel.parameters)))?;
            Ok((name, parameters))
        });
        Ok(Self {
            images: images.collect::<Result<_, GpuError>>()?,
            kernels: names.collect::<Result<_, GpuError>>()?,
        })
    }

    /// The image for a device: the one for 9.0 only where it has exactly that, else that for the most that it has.
    ///
    /// # Errors
    /// [`GpuError::OldDevice`] where there is none.
    pub fn choose(&self, about: &About) -> Result<Image<'a>, GpuError> {
        let made_for = self.images.iter().map(|image| image.capability);
        let suited = suited(&made_for.collect::<Vec<_>>(), about)?;
        Ok(self.images[suited])
    }
}

/// What an image of a library is made for.
fn capability(image: &dlc_abi::device::Image) -> Result<Capability, GpuError> {
    let capability = u32::try_from(image.capability);
    capability
        .map(Capability)
        .map_err(|_| wrong(&format!("an image for the capability {}", image.capability)))
}

/// Which of some images is for a device, by what each is made for.
fn suited(made_for: &[Capability], about: &About) -> Result<usize, GpuError> {
    let has = about.capability;
    let runs = |(_, needs): &(usize, &Capability)| match **needs {
        ALONE => has == ALONE,
        needs => needs <= has,
    };
    let suited = made_for.iter().enumerate().filter(runs);
    let most = suited.max_by_key(|(_, capability)| **capability);
    most.map(|(i, _)| i).ok_or_else(|| GpuError::OldDevice {
        device: about.name.clone(),
        capability: has,
        images: described(made_for),
    })
}

/// What images are for.
fn described(made_for: &[Capability]) -> String {
    let mut made_for = made_for.to_vec();
    made_for.sort();
    let named = made_for.iter().map(|capability| match *capability {
        ALONE => format!("{ALONE} only"),
        capability => format!("{capability} and above"),
    });
    let named: Vec<_> = named.collect();
    match named.is_empty() {
        true => "no device".to_string(),
        false => named.join(" or "),
    }
}

/// Fails where no image of a library is for a device. The texts are not read.
///
/// # Safety
/// The kernels are as their type says, or null where a pointer is.
pub(crate) unsafe fn check(kernels: &Kernels, about: &About) -> Result<(), GpuError> {
    // SAFETY: the caller's promise.
    let images = unsafe { list(kernels.image, kernels.images, "images")? };
    let made_for = images.iter().map(capability);
    suited(&made_for.collect::<Result<Vec<_>, _>>()?, about).map(|_| ())
}

fn wrong(what: &str) -> GpuError {
    GpuError::Argument(format!(
        "the library's kernels are not as they should be: {what}"
    ))
}

/// # Safety
/// There are so many values, or the pointer is null.
unsafe fn list<'a, T>(first: *const T, count: i64, what: &str) -> Result<&'a [T], GpuError> {
    let count = usize::try_from(count).map_err(|_| wrong(&format!("{count} {what}")))?;
    match (count, first.is_null()) {
        (0, _) => Ok(&[]),
        (_, true) => Err(wrong(&format!("{what} are a null pointer"))),
        // SAFETY: the caller's promise.
        (_, false) => Ok(unsafe { std::slice::from_raw_parts(first, count) }),
    }
}

/// # Safety
/// The pointer is null or to a text that a zero byte ends.
pub(crate) unsafe fn text<'a>(first: *const c_char, what: &str) -> Result<&'a CStr, GpuError> {
    match first.is_null() {
        true => Err(wrong(&format!("{what} is a null pointer"))),
        // SAFETY: the caller's promise.
        false => Ok(unsafe { CStr::from_ptr(first) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::about;

    fn chosen(images: &[u32], device: u32) -> Result<u32, String> {
        let images = images.iter().map(|capability| Image {
            capability: Capability(*capability),
            text: c"",
        });
        let images = Images {
            images: images.collect(),
            kernels: vec![],
        };
        let found = images.choose(&about(device));
        found
            .map(|image| image.capability.0)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_image_for_the_most_that_a_device_has() {
        for (images, device, expected) in [
            (&[80, 90][..], 90, 90),
            (&[90, 80], 90, 90),
            (&[80, 90], 80, 80),
            (&[80, 90], 89, 80),
            (&[80, 90], 100, 80),
            (&[80, 86, 90], 89, 86),
            (&[80, 86, 90], 120, 86),
            (&[86, 80], 80, 80),
            (&[80], 90, 80),
        ] {
            assert_eq!(chosen(images, device), Ok(expected), "{images:?}, {device}");
        }
    }

    #[test]
    fn a_device_without_an_image_is_named() {
        assert_eq!(
            chosen(&[90, 80], 75).unwrap_err(),
            "Fake GPU has compute capability 7.5, the kernels of the library are for 8.0 and above or 9.0 only; \
             use a newer GPU, or the entries for the CPU"
        );
        let only = chosen(&[90], 100).unwrap_err();
        assert!(only.contains("are for 9.0 only;"), "{only}");
        let none = chosen(&[], 90).unwrap_err();
        assert!(none.contains("are for no device;"), "{none}");
    }

    #[test]
    fn null_pointers_and_negative_numbers_of_a_library_are_refused() {
        let kernel = dlc_abi::device::Kernel {
            name: c"k".as_ptr(),
            parameters: 1,
        };
        let image = dlc_abi::device::Image {
            capability: 80,
            text: c"ptx".as_ptr(),
        };
        let good = Kernels {
            hash: c"".as_ptr(),
            images: 1,
            image: &raw const image,
            count: 1,
            kernel: &raw const kernel,
        };
        // SAFETY: all that is not null is there.
        let read = |kernels: Kernels| unsafe { Images::of_library(&kernels).map(|_| ()) };
        assert_eq!(read(good), Ok(()));
        for (bad, words) in [
            (Kernels { images: -1, ..good }, "-1 images"),
            (
                Kernels {
                    image: std::ptr::null(),
                    ..good
                },
                "images are a null pointer",
            ),
            (
                Kernels {
                    kernel: std::ptr::null(),
                    ..good
                },
                "kernels are a null pointer",
            ),
            (Kernels { count: -3, ..good }, "-3 kernels"),
        ] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.ends_with(words), "{error}");
        }
    }
}
