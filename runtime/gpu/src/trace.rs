//! A timeline of what a device does, in the format of Chrome's traces: a device around another.
//!
//! Times are the device's: those between marks before and behind each piece of work, in the order of the work. On the interpreter
//! they are the host's. Marks between pieces of work cost some time too, so a whole call takes longer than without.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dlc_abi::device::TensorMap;
use serde_json::{Value, json};

use crate::chrome;
use crate::device::{About, Address, Device, EncodedMap, Graph, Kernel};
use crate::error::GpuError;
use crate::image::Images;
use crate::launch::Shape;

/// A device that keeps a timeline of another.
#[derive(Debug)]
pub struct Traced {
    device: Arc<dyn Device>,
    timeline: Arc<Mutex<Timeline>>,
}

#[derive(Debug, Default)]
struct Timeline {
    spans: Vec<Span>,
    /// Whether work is only noted now; what is captured is one piece of work when it is launched.
    captures: bool,
}

/// A piece of work.
#[derive(Debug)]
struct Span {
    name: String,
    category: &'static str,
    about: Value,
    /// The marks before and behind it.
    marks: [usize; 2],
}

impl Traced {
    /// A device that does what another does.
    pub fn new(device: Arc<dyn Device>) -> Self {
        Self {
            device,
            timeline: Arc::default(),
        }
    }

    /// The timeline so far, as the text of a JSON object; it waits for all work. The next one begins anew.
    ///
    /// # Errors
    /// Fails where the device does.
    pub fn json(&self) -> Result<String, GpuError> {
        let times = self.device.marks()?;
        let spans = std::mem::take(&mut locked(&self.timeline).spans);
        let spans = spans.into_iter().map(|span| {
            let [begin, end] = span.marks.map(|mark| times[mark]);
            chrome::Span {
                name: span.name,
                category: span.category,
                thread: 0,
                begin,
                duration: end - begin,
                about: span.about,
            }
        });
        Ok(chrome::text(&self.device.about().name, spans))
    }

    /// Does a piece of work, and keeps when.
    fn span(
        &self,
        (name, category): (&str, &'static str),
        about: Value,
        work: impl FnOnce() -> Result<(), GpuError>,
    ) -> Result<(), GpuError> {
        if locked(&self.timeline).captures {
            return work();
        }
        span(
            (&*self.device, &self.timeline),
            (name, category, about),
            work,
        )
    }

    fn capture(&self, captures: bool) {
        locked(&self.timeline).captures = captures;
    }
}

/// Does a piece of work, which is called and described so, between two marks.
fn span(
    (device, timeline): (&dyn Device, &Mutex<Timeline>),
    (name, category, about): (&str, &'static str, Value),
    work: impl FnOnce() -> Result<(), GpuError>,
) -> Result<(), GpuError> {
    let before = device.mark()?;
    work()?;
    let marks = [before, device.mark()?];
    locked(timeline).spans.push(Span {
        name: name.to_string(),
        category,
        about,
        marks,
    });
    Ok(())
}

impl Device for Traced {
    fn about(&self) -> &About {
        self.device.about()
    }

    fn free_bytes(&self) -> Result<u64, GpuError> {
        self.device.free_bytes()
    }

    fn alloc(&self, bytes: u64) -> Result<Address, GpuError> {
        self.device.alloc(bytes)
    }

    unsafe fn free(&self, address: Address) -> Result<(), GpuError> {
        // SAFETY: the caller's promise, here and below.
        unsafe { self.device.free(address) }
    }

    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), GpuError> {
        let about = json!({"bytes": from.len()});
        self.span(("copy to the device", "copy"), about, || unsafe {
            self.device.upload(to, from)
        })
    }

    unsafe fn download(&self, to: &mut [u8], from: Address) -> Result<(), GpuError> {
        let about = json!({"bytes": to.len()});
        self.span(("copy from the device", "copy"), about, || unsafe {
            self.device.download(to, from)
        })
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Result<(), GpuError> {
        let about = json!({"bytes": bytes});
        self.span(("copy on the device", "copy"), about, || unsafe {
            self.device.copy(to, from, bytes)
        })
    }

    unsafe fn fill(&self, to: Address, byte: u8, bytes: u64) -> Result<(), GpuError> {
        let about = json!({"bytes": bytes});
        self.span(("fill", "fill"), about, || unsafe {
            self.device.fill(to, byte, bytes)
        })
    }

    fn load(&self, images: &Images<'_>) -> Result<Vec<Kernel>, GpuError> {
        self.device.load(images)
    }

    unsafe fn launch(
        &self,
        kernel: &Kernel,
        shape: &Shape,
        arguments: &[*const c_void],
    ) -> Result<(), GpuError> {
        let about = json!({
            "grid": shape.grid,
            "block": shape.block,
            "cluster": shape.cluster,
            "shared": shape.shared,
        });
        self.span((&kernel.name, "kernel"), about, || unsafe {
            self.device.launch(kernel, shape, arguments)
        })
    }

    fn tensor_map(&self, how: &TensorMap) -> Result<EncodedMap, GpuError> {
        self.device.tensor_map(how)
    }

    fn synchronise(&self) -> Result<(), GpuError> {
        self.device.synchronise()
    }

    fn begin_capture(&self) -> Result<(), GpuError> {
        self.device.begin_capture()?;
        self.capture(true);
        Ok(())
    }

    fn end_capture(&self) -> Result<Box<dyn Graph>, GpuError> {
        self.capture(false);
        Ok(Box::new(TracedGraph {
            graph: self.device.end_capture()?,
            device: Arc::clone(&self.device),
            timeline: Arc::clone(&self.timeline),
        }))
    }

    fn mark(&self) -> Result<usize, GpuError> {
        self.device.mark()
    }

    fn marks(&self) -> Result<Vec<f64>, GpuError> {
        self.device.marks()
    }
}

/// What was captured, one piece of work.
#[derive(Debug)]
struct TracedGraph {
    graph: Box<dyn Graph>,
    device: Arc<dyn Device>,
    timeline: Arc<Mutex<Timeline>>,
}

impl Graph for TracedGraph {
    unsafe fn launch(&self) -> Result<(), GpuError> {
        let to = (&*self.device, &*self.timeline);
        // SAFETY: the caller's promise.
        span(to, ("graph", "graph", json!({})), || unsafe {
            self.graph.launch()
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
