//! The paths in a crate's source, and the modules they lead to: `use` trees over any number of lines,
//! `crate::`, `super::super`, and paths in the middle of an expression or a macro. A name that a
//! module only hands on is followed to where it is defined.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A module by its path from the root of the crate, which is the empty one.
pub(crate) type Module = Vec<String>;

/// All modules of a crate.
pub(crate) struct Modules {
    files: BTreeMap<Module, PathBuf>,
    paths: BTreeMap<Module, Vec<Named>>,
}

/// A path as it stands in a file, from the root of the crate.
struct Named {
    path: Vec<String>,
    line: usize,
    /// Only handed on, by `pub use`.
    handed_on: bool,
}

impl Modules {
    /// Reads the crate with this root, without its tests.
    pub(crate) fn read(root: &Path) -> Self {
        let mut modules = Self { files: BTreeMap::new(), paths: BTreeMap::new() };
        modules.add(Module::new(), root.to_owned(), root.parent().expect("a folder").to_owned());
        modules
    }

    /// Every module.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Module> {
        self.files.keys()
    }

    /// How many files were read.
    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// A module's file, for messages.
    pub(crate) fn shown(&self, module: &Module) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = &self.files[module];
        file.strip_prefix(root).unwrap_or(file).display().to_string()
    }

    /// Each import: which module, of which other, on which line. What is only handed on is none.
    pub(crate) fn imports(&self) -> impl Iterator<Item = (&Module, &Module, usize)> {
        let of = |(from, named): (_, &'_ Vec<Named>)| {
            let uses = named.iter().filter(|n| !n.handed_on);
            let led = uses.filter_map(|n| Some((from, self.leads_to(&n.path, 0)?, n.line)));
            led.filter(|(from, to, _)| from != to).collect::<Vec<_>>()
        };
        self.paths.iter().flat_map(of)
    }

    fn add(&mut self, module: Module, file: PathBuf, folder: PathBuf) {
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut reading = Reading { module: module.clone(), children: Vec::new(), named: Vec::new() };
        reading.children(&flat(tokens.clone()));
        reading.read(&flat(tokens));
        let children = std::mem::take(&mut reading.children);
        self.files.insert(module.clone(), file);
        self.paths.insert(module.clone(), reading.named);
        for child in children {
            let below = folder.join(&child);
            let file = [folder.join(format!("{child}.rs")), below.join("mod.rs")].into_iter().find(|f| f.exists());
            let path = [module.as_slice(), &[child]].concat();
            self.add(path, file.expect("the file of a module"), below);
        }
    }

    /// The module where a path ends, or where the name at its end is defined.
    fn leads_to(&self, path: &[String], hops: usize) -> Option<&Module> {
        assert!(hops < 20, "{path:?} is handed on for ever");
        let known = (0..=path.len()).rev().find(|n| self.files.contains_key(&path[..*n]))?;
        let (module, _) = self.files.get_key_value(&path[..known])?;
        let Some(name) = path.get(known) else { return Some(module) };
        let handed = self.paths.get(module).into_iter().flatten().filter(|n| n.handed_on);
        match handed.into_iter().find(|n| n.path.last() == Some(name)) {
            Some(on) => self.leads_to(&on.path, hops + 1),
            None => Some(module),
        }
    }
}

/// A token, with what is in brackets in line.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String, usize),
    Mark(char),
    Open(char),
    Close,
}

fn flat(tokens: TokenStream) -> Vec<Token> {
    let mut list = Vec::new();
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                list.push(Token::Open(if group.delimiter() == Delimiter::Brace { '{' } else { '(' }));
                list.extend(flat(group.stream()));
                list.push(Token::Close);
            }
            TokenTree::Ident(word) => list.push(Token::Word(word.to_string(), word.span().start().line)),
            TokenTree::Literal(_) => list.push(Token::Mark('0')),
            TokenTree::Punct(mark) => list.push(Token::Mark(mark.as_char())),
        }
    }
    list
}

/// Where the bracket that opens at `at` closes.
fn closing(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(at) {
        depth += match token {
            Token::Open(_) => 1,
            Token::Close => -1,
            _ => 0,
        };
        if depth == 0 {
            return n;
        }
    }
    tokens.len() - 1
}

struct Reading {
    module: Module,
    /// The modules that this one declares, tests left aside.
    children: Vec<String>,
    named: Vec<Named>,
}

impl Reading {
    fn children(&mut self, tokens: &[Token]) {
        for three in tokens.windows(3) {
            if let [Token::Word(word, _), Token::Word(name, _), Token::Mark(';')] = three
                && word == "mod"
                && !matches!(name.as_str(), "tests" | "fuzzing")
            {
                self.children.push(name.clone());
            }
        }
    }

    fn read(&mut self, tokens: &[Token]) {
        let mut at = 0;
        let mut is_public = false;
        while at < tokens.len() {
            let word = |n: usize| match tokens.get(n) {
                Some(Token::Word(word, _)) => word.as_str(),
                _ => "",
            };
            // `mod tests { … }` sees everything.
            if word(at) == "mod" && word(at + 1) == "tests" && tokens.get(at + 2) == Some(&Token::Open('{')) {
                at = closing(tokens, at + 2);
                continue;
            }
            match word(at) {
                "pub" => {
                    let after =
                        if tokens.get(at + 1) == Some(&Token::Open('(')) { closing(tokens, at + 1) } else { at };
                    is_public = word(after + 1) == "use";
                    at = after + 1;
                    continue;
                }
                "use" => at = self.tree(tokens, at + 1, &Module::new(), is_public, true),
                _ => at = self.tree(tokens, at, &Module::new(), false, false),
            }
            is_public = false;
        }
    }

    /// Takes in the path, or tree of paths, that begins at `at`; the place after it.
    fn tree(&mut self, tokens: &[Token], mut at: usize, before: &[String], handed_on: bool, is_use: bool) -> usize {
        let mut path = before.to_vec();
        let mut line = 0;
        loop {
            match tokens.get(at) {
                Some(Token::Word(word, of)) => {
                    line = *of;
                    path.push(word.clone());
                }
                Some(Token::Open('{')) if is_use && (!path.is_empty() || !before.is_empty()) => {
                    let end = closing(tokens, at);
                    let mut next = at + 1;
                    while next < end {
                        next = self.tree(tokens, next, &path, handed_on, is_use);
                        if tokens.get(next) == Some(&Token::Mark(',')) {
                            next += 1;
                        }
                    }
                    return end + 1;
                }
                Some(Token::Mark('*')) if is_use => {}
                _ => return at + usize::from(path.len() == before.len()),
            }
            at += 1;
            let goes_on = tokens.get(at..at + 2) == Some(&[Token::Mark(':'), Token::Mark(':')]);
            if goes_on {
                at += 2;
                continue;
            }
            self.note(&path, line, handed_on, is_use);
            // `as NAME`
            if is_use && matches!(tokens.get(at), Some(Token::Word(word, _)) if word == "as") {
                at += 2;
            }
            return at;
        }
    }

    fn note(&mut self, path: &[String], line: usize, handed_on: bool, is_use: bool) {
        let mut from = self.module.clone();
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => {
                from.clear();
                rest = &path[1..];
            }
            Some("self") => rest = &path[1..],
            Some("super") => {
                while rest.first().is_some_and(|word| word == "super") {
                    from.pop();
                    rest = &rest[1..];
                }
            }
            Some(name) if (is_use || path.len() > 1) && self.children.iter().any(|child| child == name) => {}
            _ => return,
        }
        let path = from.iter().chain(rest.iter().filter(|word| *word != "self")).cloned().collect();
        self.named.push(Named { path, line, handed_on });
    }
}
