//! Names in reach: scopes, bindings and the dims of the function at hand.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::ast::Span;
use crate::check::types::Ty;
use crate::check::value::Value;
use crate::core::{Dim, Precision};

/// How a name was bound.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A parameter.
    Param,
    /// By `let` or as a parameter of a function value.
    Let,
    /// By `for`.
    Loop,
    /// By `var`, with the type it keeps.
    Var(Ty),
    /// A parameter that the caller sees change, with its type.
    Inout(Ty),
}

/// What a name stands for.
#[derive(Clone)]
pub(crate) struct Binding<'a> {
    /// Its value now.
    pub value: Value<'a>,
    /// How it was bound.
    pub kind: Kind,
    /// Where.
    pub span: Span,
}

/// The names of one block, and what is around it.
pub(crate) struct Scope<'a> {
    vars: RefCell<HashMap<&'a str, Binding<'a>>>,
    parent: Option<Rc<Scope<'a>>>,
    /// The function whose text this is.
    pub function: Rc<FnContext>,
    /// Whether this is the body of a function value: what is outside cannot be assigned from here.
    pub is_lambda: bool,
    /// Nesting of scopes.
    pub depth: usize,
}

/// The function whose text is being checked.
pub(crate) struct FnContext {
    /// Its name, for messages.
    pub name: String,
    /// Its number, unless it is a test or a constant.
    pub item: Option<usize>,
    /// Its dims in terms of those of the function under construction.
    pub dims: BTreeMap<String, Dim>,
    /// The functions being put in place around its body.
    pub inlined: Vec<usize>,
    /// What the operands of products are rounded to in its body.
    pub precision: Option<Precision>,
}

/// What an assignment found.
pub(crate) enum Assigned {
    /// It is done.
    Done,
    /// There is no such variable.
    Unknown,
    /// It is bound, but not by `var` or `inout`.
    Immutable,
    /// It is outside the function value that assigns.
    Captured(Span),
}

impl<'a> Scope<'a> {
    /// The outermost scope of a function.
    pub fn root(function: Rc<FnContext>) -> Rc<Self> {
        Rc::new(Self {
            vars: RefCell::default(),
            parent: None,
            function,
            is_lambda: false,
            depth: 0,
        })
    }

    /// A scope inside another.
    pub fn child(parent: &Rc<Self>, is_lambda: bool) -> Rc<Self> {
        Rc::new(Self {
            vars: RefCell::default(),
            parent: Some(parent.clone()),
            function: parent.function.clone(),
            is_lambda,
            depth: parent.depth + 1,
        })
    }

    /// Binds a name here.
    pub fn bind(&self, name: &'a str, binding: Binding<'a>) {
        self.vars.borrow_mut().insert(name, binding);
    }

    /// The nearest binding of a name.
    pub fn lookup(&self, name: &str) -> Option<Binding<'a>> {
        let mut scope = self;
        loop {
            if let Some(binding) = scope.vars.borrow().get(name) {
                return Some(binding.clone());
            }
            scope = scope.parent.as_deref()?;
        }
    }

    /// The nearest binding of a name, if it can be assigned from here.
    pub fn variable(&self, name: &str) -> Option<Binding<'a>> {
        let mut scope = self;
        loop {
            if let Some(binding) = scope.vars.borrow().get(name) {
                let assignable = matches!(binding.kind, Kind::Var(_) | Kind::Inout(_));
                return assignable.then(|| binding.clone());
            }
            if scope.is_lambda {
                return None;
            }
            scope = scope.parent.as_deref()?;
        }
    }

    /// The scope that binds a name, and the value it has.
    pub fn owner(scope: &Rc<Self>, name: &str) -> Option<(Rc<Self>, Value<'a>)> {
        let mut scope = scope;
        loop {
            if let Some(binding) = scope.vars.borrow().get(name) {
                return Some((scope.clone(), binding.value.clone()));
            }
            scope = scope.parent.as_ref()?;
        }
    }

    /// Gives a name of this scope another value, however it is bound.
    pub fn set(&self, name: &str, value: Value<'a>) {
        if let Some(binding) = self.vars.borrow_mut().get_mut(name) {
            binding.value = value;
        }
    }

    /// Gives a name of this scope that has no value after an error its earlier one.
    pub fn restore(&self, name: &str, value: Value<'a>) {
        if let Some(binding) = self.vars.borrow_mut().get_mut(name)
            && matches!(binding.value, Value::Error)
        {
            binding.value = value;
        }
    }

    /// Gives a variable a new value.
    pub fn assign(&self, name: &str, value: Value<'a>) -> Assigned {
        let (mut scope, mut crossed) = (self, false);
        loop {
            if let Some(binding) = scope.vars.borrow_mut().get_mut(name) {
                if matches!(value, Value::Error) {
                    // Whatever it is, it has been reported.
                    binding.value = value;
                    return Assigned::Done;
                }
                return match &binding.kind {
                    Kind::Var(_) | Kind::Inout(_) if crossed => Assigned::Captured(binding.span),
                    Kind::Var(_) | Kind::Inout(_) => {
                        binding.value = value;
                        Assigned::Done
                    }
                    _ => Assigned::Immutable,
                };
            }
            crossed |= scope.is_lambda;
            match scope.parent.as_deref() {
                Some(parent) => scope = parent,
                None => return Assigned::Unknown,
            }
        }
    }

    /// All names in reach, in no order, for suggestions.
    pub fn names(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut scope = Some(self);
        while let Some(here) = scope {
            names.extend(here.vars.borrow().keys().copied());
            scope = here.parent.as_deref();
        }
        names
    }
}
