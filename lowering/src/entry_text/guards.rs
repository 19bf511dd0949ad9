//! Checks before a call, each of which returns a status where it does not hold.

use super::WRITTEN;
use crate::{
    gpu::{DEVICE_TYPE, device_field},
    size::Checked,
};
use dlc_abi::{device, status};
use std::fmt::Write;

/// The null pointer, `%null`.
pub(super) const NULL: &str = "  %null = llvm.mlir.zero : !llvm.ptr\n";

/// Checks: each continues in a new block if its condition holds and returns the status if not.
pub(super) struct Guards<'x> {
    pub code: Checked<'x>,
    pub count: usize,
}

impl Guards<'_> {
    pub fn holds(&mut self, condition: &str, status: i32) {
        self.count += 1;
        let (count, text) = (self.count, &mut self.code.code);
        writeln!(
            text,
            "  %s{count} = llvm.mlir.constant({status} : i32) : i32"
        )
        .expect(WRITTEN);
        writeln!(
            text,
            "  llvm.cond_br {condition}, ^ok{count}, ^fail(%s{count} : i32)\n^ok{count}:"
        )
        .expect(WRITTEN);
    }

    pub fn not_null(&mut self, pointer: &str) {
        let set = self
            .code
            .let_(&format!("llvm.icmp \"ne\" {pointer}, %null : !llvm.ptr"));
        self.holds(&set, status::NULL_POINTER);
    }

    pub fn load(&mut self, array: &str, index: usize, ty: &str) -> String {
        let place = self.code.let_(&format!(
            "llvm.getelementptr {array}[{index}] : (!llvm.ptr) -> !llvm.ptr, {ty}"
        ));
        self.code
            .let_(&format!("llvm.load {place} : !llvm.ptr -> {ty}"))
    }

    pub fn store(&mut self, array: &str, index: usize, value: &str, ty: &str) {
        let place = self.code.let_(&format!(
            "llvm.getelementptr {array}[{index}] : (!llvm.ptr) -> !llvm.ptr, {ty}"
        ));
        writeln!(
            self.code.code,
            "  llvm.store {value}, {place} : {ty}, !llvm.ptr"
        )
        .expect(WRITTEN);
    }

    /// A copy of a value of so many bytes on the device, `%executor`.
    pub fn fetch(&mut self, pointer: &str, ty: &str, bytes: usize) -> String {
        let one = self.code.constant(1);
        let place = self
            .code
            .let_(&format!("llvm.alloca {one} x {ty} : (i64) -> !llvm.ptr"));
        self.copy(&place, pointer, bytes, device::FROM_DEVICE);
        place
    }

    /// Has the device, `%executor`, copy so many bytes.
    pub fn copy(&mut self, to: &str, from: &str, bytes: usize, way: i32) {
        let mut field = |number: usize| {
            let at = self.code.let_(&format!(
                "llvm.getelementptr %executor[0, {number}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}"
            ));
            self.code
                .let_(&format!("llvm.load {at} : !llvm.ptr -> !llvm.ptr"))
        };
        let (copy, context) = (field(device_field::COPY), field(device_field::CONTEXT));
        let bytes = self.code.constant(bytes as i64);
        let way = self
            .code
            .let_(&format!("llvm.mlir.constant({way} : i32) : i32"));
        let copied = self.code.let_(&format!(
            "llvm.call {copy}({context}, {to}, {from}, {bytes}, {way}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i32) -> i32"
        ));
        let ok = self
            .code
            .let_(&format!("llvm.mlir.constant({} : i32) : i32", status::OK));
        let fine = self
            .code
            .let_(&format!("llvm.icmp \"eq\" {copied}, {ok} : i32"));
        self.holds(&fine, status::DEVICE);
    }

    pub fn end(self, result: &str) -> String {
        let code = self.code.code;
        format!(
            "{code}  llvm.return {result} : i32\n^fail(%status: i32):\n  llvm.return %status : i32\n}}\n"
        )
    }
}
