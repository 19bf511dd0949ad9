//! Loops and branches, as `scf` ops on tensors.

use melior::ir::operation::{OperationBuilder, OperationLike};
use melior::ir::{Block, BlockLike, Region, RegionLike, Type, Value};

use crate::core::{self, Node, Prim, TensorType};
use crate::emit::Body;
use dlc_dialects::ir::builder::Builder;

/// What stands around a region.
struct Around<'s, 'c, 'a, 'p> {
    /// The name of the index that the op passes first, if it passes one: a round's number.
    index: Option<&'p str>,
    /// The values that are captured.
    captured: &'s [Value<'c, 'a>],
    /// The op that ends it.
    end: End,
}

/// How a region ends.
#[derive(Clone, Copy)]
enum End {
    /// By what it gives.
    Yield,
    /// By a condition, then the round's number and what it gives.
    Condition,
    /// By the next round's number and what it gives.
    Next,
}

impl<'c, 'a, 'p> Body<'c, 'a, 'p> {
    /// A loop or a branch: its results.
    pub(super) fn control(&self, node: &'p Node, args: &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>> {
        let plain = |captured, end| Around {
            index: None,
            captured,
            end,
        };
        let (name, operands, results, regions) = match &node.op {
            Prim::For {
                index,
                rounds,
                body,
                results,
            } => {
                let (rounds, args) = match rounds {
                    Some(dim) => (self.index(dim.poly()), args),
                    None => (self.extracted_index(args[0]), &args[1..]),
                };
                let (carried, captured) = args.split_at(results.len());
                let around = Around {
                    index: Some(index),
                    captured,
                    end: End::Yield,
                };
                let b = self.builder;
                let mut operands = vec![b.index(0), rounds, b.index(1)];
                operands.extend(carried);
                (
                    "scf.for",
                    operands,
                    results,
                    vec![self.region(body, around)],
                )
            }
            Prim::While {
                counter,
                cond,
                body,
                results,
            } => {
                let (carried, captured) = args.split_at(results.len());
                let (of_cond, of_body) = captured.split_at(cond.captures);
                let around = |captured, end| Around {
                    index: counter.as_deref(),
                    captured,
                    end,
                };
                let cond = self.region(cond, around(of_cond, End::Condition));
                let body = self.region(body, around(of_body, End::Next));
                let count = counter.iter().map(|_| self.builder.index(0));
                let operands = count.chain(carried.iter().copied()).collect();
                ("scf.while", operands, results, vec![cond, body])
            }
            Prim::If {
                then,
                otherwise,
                results,
            } => {
                let (of_then, of_otherwise) = args[1..].split_at(then.captures);
                let then = self.region(then, plain(of_then, End::Yield));
                let otherwise = self.region(otherwise, plain(of_otherwise, End::Yield));
                let cond = self.extracted(args[0]);
                ("scf.if", vec![cond], results, vec![then, otherwise])
            }
            _ => unreachable!("only loops and branches come here"),
        };
        let counts = matches!(&node.op, Prim::While { counter, .. } if counter.is_some());
        let count = counts.then(|| self.builder.index_type());
        let types = count.into_iter().chain(self.types(results));
        let op = OperationBuilder::new(name, self.builder.location)
            .add_operands(&operands)
            .add_results(&types.collect::<Vec<_>>())
            .add_regions_vec(regions)
            .build()
            .expect("result types are given");
        let op = self.builder.append(op);
        let own = op.results().skip(usize::from(counts));
        own.map(Into::into).collect()
    }

    fn types(&self, types: &[TensorType]) -> Vec<Type<'c>> {
        types.iter().map(|ty| self.emitter.ty(ty)).collect()
    }

    fn region(&self, of: &'p core::Region, around: Around<'_, 'c, 'a, 'p>) -> Region<'c> {
        let outer = self.builder;
        let mut arguments: Vec<_> = around.index.iter().map(|_| outer.index_type()).collect();
        arguments.extend(self.types(&of.params));
        let arguments: Vec<_> = arguments
            .into_iter()
            .map(|ty| (ty, outer.location))
            .collect();
        let region = Region::new();
        {
            let block = region.append_block(Block::new(&arguments));
            let mut dims = self.dims.clone();
            let mut params = Vec::new();
            for i in 0..arguments.len() {
                let argument: Value = block.argument(i).expect("as given").into();
                match around.index {
                    Some(name) if i == 0 => {
                        dims.insert(name, argument);
                    }
                    _ => params.push(argument),
                }
            }
            params.extend(around.captured);
            let mut body = Body {
                emitter: self.emitter,
                builder: Builder::at_end(outer.context, block, outer.location),
                dims,
                params,
                values: Vec::new(),
            };
            body.nodes(&of.nodes);
            let mut given: Vec<_> = of
                .results
                .iter()
                .map(|node| body.values[*node as usize][0])
                .collect();
            body.builder.location = outer.location;
            let number = around.index.map(|name| body.dims[name]);
            let end = match around.end {
                End::Yield => "scf.yield",
                End::Condition => {
                    given[0] = body.extracted(given[0]);
                    given.splice(1..1, number);
                    "scf.condition"
                }
                End::Next => {
                    let b = body.builder;
                    let one =
                        |number| b.op("arith.addi", &[number, b.index(1)], &[], b.index_type());
                    given.splice(0..0, number.map(one));
                    "scf.yield"
                }
            };
            let end = OperationBuilder::new(end, outer.location).add_operands(&given);
            body.builder.append(end.build().expect("it has no results"));
        }
        region
    }

    /// The element of a scalar.
    fn extracted(&self, scalar: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.builder;
        let ty = dlc_dialects::ir::shape::element_of(scalar);
        b.op("tensor.extract", &[scalar], &[], ty)
    }

    /// An `i64` scalar as an index.
    pub(super) fn extracted_index(&self, scalar: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.builder;
        let element = self.extracted(scalar);
        b.op("arith.index_cast", &[element], &[], b.index_type())
    }
}
