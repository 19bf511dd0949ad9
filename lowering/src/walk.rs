//! Collects operations, so that a pass may rewrite while it goes through them.

use melior::ir::{BlockLike, OperationRef, RegionLike, operation::OperationLike};

/// The operations inside `root`, each after what it contains and after what stands before it.
pub fn inside<'c, 'a>(root: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![];
    collect(root, &mut found);
    found
}

/// The operations inside `root` with a name.
pub fn named<'c, 'a>(root: OperationRef<'c, 'a>, name: &str) -> Vec<OperationRef<'c, 'a>> {
    let mut found = inside(root);
    found.retain(|op| is(*op, name));
    found
}

/// Whether an operation has a name.
pub fn is(op: OperationRef, name: &str) -> bool {
    op.name().as_string_ref().as_str() == Ok(name)
}

fn collect<'c, 'a>(op: OperationRef<'c, 'a>, found: &mut Vec<OperationRef<'c, 'a>>) {
    for region in (0..op.region_count()).filter_map(|i| op.region(i).ok()) {
        let mut block = region.first_block();
        while let Some(here) = block {
            let mut inner = here.first_operation();
            while let Some(op) = inner {
                collect(op, found);
                found.push(op);
                inner = op.next_in_block();
            }
            block = here.next_in_region();
        }
    }
}
