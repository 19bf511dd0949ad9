//! Functions that call each other in a circle.

use crate::ast::Span;
use crate::check::Checker;
use crate::diagnostic::{Code, Diagnostic};

impl Checker<'_> {
    /// Functions may not call each other in a circle. Whether one does.
    pub(super) fn check_recursion(&mut self) -> bool {
        let before = self.diagnostics.len();
        let calls = self.calls.clone();
        let mut edges: Vec<Vec<(usize, Span)>> = vec![Vec::new(); self.fns.len()];
        for (caller, callee, span) in calls {
            if !edges[caller].iter().any(|(known, _)| *known == callee) {
                edges[caller].push((callee, span));
            }
        }
        // 0 is new, 1 on the path, 2 done.
        let mut state = vec![0u8; self.fns.len()];
        for start in 0..self.fns.len() {
            if state[start] != 0 {
                continue;
            }
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            state[start] = 1;
            while let Some((id, next)) = path.pop() {
                let Some((callee, span)) = edges[id].get(next).copied() else {
                    state[id] = 2;
                    continue;
                };
                path.push((id, next + 1));
                match state[callee] {
                    0 => {
                        state[callee] = 1;
                        path.push((callee, 0));
                    }
                    1 => self.report_circle(&path, callee, span),
                    _ => {}
                }
            }
        }
        self.diagnostics.len() > before
    }

    fn report_circle(&mut self, path: &[(usize, usize)], to: usize, span: Span) {
        let from = path.iter().position(|(id, _)| *id == to).unwrap_or(0);
        let mut ids: Vec<usize> = path[from..].iter().map(|(id, _)| *id).collect();
        ids.push(to);
        if ids.len() > 8 {
            ids.truncate(7);
            ids.push(to);
        }
        let names: Vec<String> = ids
            .iter()
            .map(|id| format!("`{}`", self.fns[*id].ast.name.name))
            .collect();
        let message = if path.len() - from == 1 {
            format!("{} calls itself", names[0])
        } else {
            format!(
                "functions call each other in a circle: {}",
                names.join(" -> ")
            )
        };
        let diagnostic = Diagnostic::error(Code::DL0704, message, span)
            .secondary(self.fns[to].ast.name.span, "the circle begins here")
            .help("functions cannot be recursive; go through a list or a range by `for`");
        self.report(diagnostic);
    }
}
