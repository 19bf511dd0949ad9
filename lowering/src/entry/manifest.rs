//! What a manifest says of an entry, and the statuses that it may give.

use super::{Entry, Leaf, Role, place};
use dlc_abi::{
    Condition, Mode, Param, Poly, Status, Tree,
    status::{self, CHECK, COMMON},
    symbol,
};

impl Entry<'_, '_> {
    /// The manifest's entry. Trees are made from the paths: numbered parts make tuples, named parts structs
    /// called after the path to them.
    pub fn manifest(&self) -> dlc_abi::Entry {
        let leaves = |roles: &[Role]| -> Vec<&Leaf> {
            self.leaves
                .iter()
                .filter(|leaf| roles.contains(&leaf.role))
                .collect()
        };
        let mut params: Vec<Param> = vec![];
        let given = leaves(&[Role::In, Role::InOut]);
        for group in given.chunk_by(|a, b| a.parameter() == b.parameter()) {
            let mode = match group[0].role {
                Role::InOut => Mode::InOut,
                _ => Mode::In,
            };
            let name = group[0].parameter().to_string();
            params.push(Param {
                mode,
                tree: tree(group, &name),
                name,
            });
        }
        let results = leaves(&[Role::Out]);
        let first_condition = CHECK + self.dims.len() as i32;
        dlc_abi::Entry {
            name: self.name.clone(),
            doc: String::new(),
            symbol: self.symbol.clone(),
            packed_symbol: symbol::packed(&self.symbol),
            workspace_symbol: symbol::workspace(&self.symbol),
            dims: self.dims.clone(),
            conditions: (self.checks.iter().zip(first_condition..))
                .map(|(check, status)| Condition {
                    text: format!("{} {} {}", check.left, check.relation, check.right),
                    status,
                    source: place(self.func),
                })
                .collect(),
            params,
            result: (!results.is_empty()).then(|| tree(&results, "out")),
            statuses: self.statuses(),
        }
    }

    /// The status of a failure with this message.
    pub fn failure(&self, message: &str) -> Option<i32> {
        let position = self.failures.iter().position(|known| known == message)?;
        Some(CHECK + (self.dims.len() + self.checks.len() + position) as i32)
    }

    /// Every status but 0, with its message.
    pub fn statuses(&self) -> Vec<Status> {
        let common = COMMON.iter().filter_map(|(code, ..)| {
            let message = status::common_message(&self.name, *code)?;
            Some(Status {
                code: *code,
                message,
            })
        });
        let checks = self
            .range_messages
            .iter()
            .cloned()
            .chain(self.checks.iter().map(|c| c.message.clone()))
            .chain(self.failures.iter().cloned());
        let checks = checks
            .zip(CHECK..)
            .map(|(message, code)| Status { code, message });
        common.chain(checks).collect()
    }
}

fn tree(leaves: &[&Leaf], prefix: &str) -> Tree {
    if let [leaf] = leaves
        && leaf.path == prefix
    {
        let shape = leaf.shape.iter().map(Poly::to_string).collect();
        return Tree::Tensor {
            dtype: leaf.dtype,
            shape,
        };
    }
    let part = |leaf: &Leaf| -> String {
        let rest = leaf.path.get(prefix.len() + 1..).unwrap_or_default();
        rest.split('.').next().unwrap_or_default().to_string()
    };
    let mut fields = vec![];
    for group in leaves.chunk_by(|a, b| part(a) == part(b)) {
        let name = part(group[0]);
        let tree = tree(group, &format!("{prefix}.{name}"));
        fields.push((name, tree));
    }
    if fields
        .iter()
        .all(|(name, _)| name.bytes().all(|b| b.is_ascii_digit()))
    {
        return Tree::Tuple(fields.into_iter().map(|(_, tree)| tree).collect());
    }
    Tree::Struct {
        name: symbol::identifier(prefix),
        fields,
    }
}
