//! Which values to keep until they are needed again, and which to compute again from kept ones: a minimum cut.
//!
//! Each value is two nodes, before and after it is kept. Keeping it cuts the edge between both, which weighs its bytes;
//! computing it again cuts the edge from the source, which weighs what that costs. What is computed again needs its
//! operands, so it can't be cut off from them. Everything that is needed flows to the sink.
//!
//! Source: Chen et al., Training Deep Nets with Sublinear Memory Cost (2016), for the question; the cut as an answer to it
//! is that of PyTorch's AOTAutograd (its min-cut partitioner).

pub mod liveness;

use petgraph::{
    algo::dinics,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};

/// A value that may be kept.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What keeping it takes, in bytes.
    pub bytes: u64,
    /// What computing it again costs, in bytes that one would keep instead; `None` where that is out of the question.
    pub recompute: Option<u64>,
    /// The candidates, by number, that it is computed from.
    pub operands: Vec<usize>,
    /// Whether it is needed later.
    pub needed: bool,
}

/// Larger than any sum of sizes.
const NEVER: u64 = u64::MAX >> 16;

/// For each candidate whether it is computed again. All others that are needed, by later uses or by what is computed
/// again, are kept. Of answers of one weight it is the one that computes the least again.
pub fn recomputed(candidates: &[Candidate]) -> Vec<bool> {
    let mut network = DiGraph::<(), u64>::new();
    let source = network.add_node(());
    let sink = network.add_node(());
    let nodes = candidates
        .iter()
        .map(|_| (network.add_node(()), network.add_node(())))
        .collect::<Vec<_>>();
    for (candidate, &(before, after)) in candidates.iter().zip(&nodes) {
        network.add_edge(source, before, candidate.recompute.unwrap_or(NEVER));
        network.add_edge(before, after, candidate.bytes);
        if candidate.needed {
            network.add_edge(after, sink, NEVER);
        }
        if candidate.recompute.is_some() {
            for &operand in &candidate.operands {
                network.add_edge(nodes[operand].1, before, NEVER);
            }
        }
    }
    let (_, flows) = dinics(&network, source, sink);
    let behind = reaching(&network, &flows, sink);
    nodes
        .iter()
        .map(|(before, _)| behind[before.index()])
        .collect()
}

/// The nodes from which there is a way to the sink that is not full.
fn reaching(network: &DiGraph<(), u64>, flows: &[u64], sink: NodeIndex) -> Vec<bool> {
    let mut behind = vec![false; network.node_count()];
    behind[sink.index()] = true;
    let mut next = vec![sink];
    while let Some(node) = next.pop() {
        let into = network
            .edges_directed(node, petgraph::Incoming)
            .filter(|edge| flows[edge.id().index()] < *edge.weight())
            .map(|edge| edge.source());
        let out_of = network
            .edges_directed(node, petgraph::Outgoing)
            .filter(|edge| flows[edge.id().index()] > 0)
            .map(|edge| edge.target());
        for node in into.chain(out_of).collect::<Vec<_>>() {
            if !std::mem::replace(&mut behind[node.index()], true) {
                next.push(node);
            }
        }
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: u64, recompute: Option<u64>, operands: &[usize], needed: bool) -> Candidate {
        Candidate {
            bytes,
            recompute,
            operands: operands.to_vec(),
            needed,
        }
    }

    #[test]
    fn a_chain_is_computed_again_from_where_it_is_narrow() {
        let product = value(2, None, &[], false);
        let chain = [
            product,
            value(8, Some(1), &[0], true),
            value(8, Some(1), &[1], true),
            value(8, Some(1), &[2], true),
        ];
        assert_eq!(recomputed(&chain), [false, true, true, true]);
    }

    #[test]
    fn what_costs_more_than_it_takes_is_kept() {
        let chain = [
            value(8, None, &[], false),
            value(8, Some(3), &[0], false),
            value(8, Some(3), &[1], true),
        ];
        assert_eq!(recomputed(&chain), [false, false, false]);
        let wide = [
            value(2, None, &[], false),
            value(8, Some(3), &[0], false),
            value(8, Some(2), &[1], true),
        ];
        assert_eq!(recomputed(&wide), [false, true, true]);
    }

    #[test]
    fn what_comes_from_nothing_is_computed_again_unless_that_costs_more() {
        let mask = [value(100, Some(1), &[], true), value(1, Some(2), &[], true)];
        assert_eq!(recomputed(&mask), [true, false]);
    }

    #[test]
    fn what_nobody_needs_is_not_computed_again() {
        assert_eq!(recomputed(&[value(8, Some(1), &[], false)]), [false]);
        assert!(recomputed(&[]).is_empty());
    }
}
