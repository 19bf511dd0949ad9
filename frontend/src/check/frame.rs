//! A function or a region of one under construction: its nodes, where they came from, and what is known of its dims.

use std::collections::HashMap;

use crate::ast::Span;
use crate::check::facts::Facts;
use crate::check::value::NodeId;
use crate::core::{Dim, Func, Node, NodeIndex, Param, Prim, Region, Rules, TensorType};

/// Where a value was declared, for messages: `b.w2`, `declared here`.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// How it is written in the function.
    pub text: String,
    /// The declaration.
    pub span: Span,
}

/// What a frame becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// A function.
    Function,
    /// A region that is entered any number of times.
    Loop,
    /// A region that is entered once or not at all.
    Branch,
}

/// The numbered rounds of a loop.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    /// The name of the round's number, a dim in the body.
    pub index: String,
    /// How many there are, where dims say it.
    pub count: Option<Dim>,
}

/// A function, or a region of one, under construction.
pub(crate) struct Frame {
    /// Tells frames apart.
    pub id: u32,
    /// What it becomes.
    pub kind: FrameKind,
    /// Whether it is done for each element of a batch.
    pub is_batch: bool,
    /// For the body of a `for`.
    pub rounds: Option<Rounds>,
    /// The nodes so far.
    pub nodes: Vec<Node>,
    /// The parameters so far; a function value may get more while its body is checked.
    pub params: Vec<Param>,
    /// Nodes of the functions around it that are passed in as parameters.
    pub captures: Vec<(NodeId, NodeIndex)>,
    capture_index: HashMap<NodeId, NodeIndex>,
    /// What is declared.
    pub origins: HashMap<NodeIndex, Origin>,
    /// Single elements of key arrays that have been taken, so that each is one node.
    pub key_elements: HashMap<(NodeId, i64), NodeId>,
    /// The dims that are passed.
    pub dims: Vec<String>,
    /// What is known of them.
    pub facts: Facts,
}

/// A region and the nodes around it that it captures.
pub(crate) struct Closed {
    /// The region.
    pub region: Region,
    /// What it captures.
    pub captured: Vec<NodeId>,
}

impl Frame {
    /// An empty one with these dims.
    pub fn new(id: u32, kind: FrameKind, dims: Vec<String>, facts: Facts) -> Self {
        Self {
            id,
            kind,
            is_batch: false,
            rounds: None,
            nodes: Vec::new(),
            params: Vec::new(),
            captures: Vec::new(),
            capture_index: HashMap::new(),
            origins: HashMap::new(),
            key_elements: HashMap::new(),
            dims,
            facts,
        }
    }

    /// Adds a node.
    pub fn push(&mut self, op: Prim, args: Vec<NodeIndex>, ty: TensorType, span: Span) -> NodeId {
        let index = NodeIndex::try_from(self.nodes.len()).expect("the number of nodes is limited");
        self.nodes.push(Node { op, args, ty, span });
        NodeId {
            frame: self.id,
            index,
        }
    }

    /// Adds a parameter and its node.
    pub fn push_param(&mut self, param: Param) -> NodeId {
        let position =
            u32::try_from(self.params.len()).expect("the number of parameters is limited");
        let (ty, span) = (param.ty.clone(), param.span);
        self.params.push(param);
        self.push(Prim::Param(position), Vec::new(), ty, span)
    }

    /// The parameter that stands for a node of a function around this one.
    pub fn captured(&self, outer: NodeId) -> Option<NodeIndex> {
        self.capture_index.get(&outer).copied()
    }

    /// Makes a parameter for a node of a function around this one.
    pub fn capture(
        &mut self,
        outer: NodeId,
        ty: TensorType,
        origin: Option<Origin>,
        span: Span,
    ) -> NodeIndex {
        let path = format!("capture{}", self.captures.len());
        let id = self.push_param(Param {
            path,
            ty,
            inout: false,
            span,
        });
        if let Some(origin) = origin {
            self.origins.insert(id.index, origin);
        }
        self.captures.push((outer, id.index));
        self.capture_index.insert(outer, id.index);
        id.index
    }

    /// The finished region, and what it captures. The first parameters are values that are passed in where `passed`
    /// says so, and nodes from outside where it does not.
    pub fn into_region(self, passed: &[Result<(), NodeId>], results: Vec<NodeIndex>) -> Closed {
        let own = passed.iter().filter(|passed| passed.is_ok()).count();
        let mut captured = Vec::new();
        let mut numbers = Vec::new();
        let mut next = 0;
        let first = passed.iter().copied();
        let rest = self.captures.iter().map(|(outer, _)| Err(*outer));
        for from in first.chain(rest) {
            numbers.push(match from {
                Ok(()) => {
                    next += 1;
                    next - 1
                }
                Err(outer) => {
                    captured.push(outer);
                    own + captured.len() - 1
                }
            });
        }
        let mut nodes = self.nodes;
        for node in &mut nodes {
            if let Prim::Param(n) = &mut node.op {
                *n = u32::try_from(numbers[*n as usize]).expect("the number of nodes is limited");
            }
        }
        let params = self.params.into_iter().zip(passed);
        let region = Region {
            params: params
                .filter(|(_, passed)| passed.is_ok())
                .map(|(param, _)| param.ty)
                .collect(),
            captures: captured.len(),
            nodes,
            results,
        };
        Closed { region, captured }
    }

    /// The finished function.
    pub fn finish(self, name: String, span: Span) -> Func {
        Func {
            name,
            span,
            dims: self.dims,
            params: self.params,
            nodes: self.nodes,
            results: Vec::new(),
            entry: None,
            rules: Rules::default(),
        }
    }
}
