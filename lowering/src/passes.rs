//! The passes of this crate, one file each.

pub mod assign_blocks;
pub mod bf16_as_bits;
pub mod copies_to_generics;
pub mod dl_to_linalg;
pub mod emit_block_products;
pub mod emit_block_scans;
pub mod emit_block_scatters;
pub mod emit_block_sorts;
pub mod emit_entry_points;
pub mod emit_forks;
pub mod emit_launches;
pub mod emit_matmul;
pub mod emit_winograd;
pub mod expand_math;
pub mod explicit_views;
pub mod fold_casts;
pub mod fold_transposes;
pub mod form_kernels;
pub mod forward_copies;
pub mod fuse_elementwise;
pub mod fuse_products;
pub mod fuse_rows;
pub mod interchange_loops;
pub mod mark_control;
pub mod outline_loops;
pub mod outline_tasks;
pub mod parallelize_loops;
pub mod plan_workspace;
pub mod remove_barriers;
pub mod report_fusion;
pub mod settle_carried;
pub mod trace_nests;
pub mod unshare_destinations;
pub mod vectorize_generics;
pub mod view_windows;

use dlc_dialects::pass::PassInfo;

/// Every pass, in the order in which the pipeline runs them.
pub const PASSES: &[PassInfo] = &[
    mark_control::INFO,
    dl_to_linalg::INFO,
    fold_casts::INFO,
    fold_transposes::INFO,
    fuse_elementwise::INFO,
    remove_barriers::INFO,
    unshare_destinations::INFO,
    settle_carried::INFO,
    forward_copies::INFO,
    emit_winograd::INFO,
    view_windows::INFO,
    fuse_products::INFO,
    emit_matmul::INFO,
    emit_block_products::INFO,
    emit_block_sorts::INFO,
    fuse_rows::INFO,
    report_fusion::INFO,
    assign_blocks::INFO,
    vectorize_generics::INFO,
    copies_to_generics::INFO,
    parallelize_loops::INFO,
    emit_block_scatters::INFO,
    emit_block_scans::INFO,
    interchange_loops::INFO,
    form_kernels::INFO,
    plan_workspace::INFO,
    plan_workspace::APART,
    outline_tasks::INFO,
    outline_loops::INFO,
    expand_math::INFO,
    explicit_views::INFO,
    trace_nests::INFO,
    emit_entry_points::INFO,
    bf16_as_bits::INFO,
    emit_forks::INFO,
    emit_launches::INFO,
];
