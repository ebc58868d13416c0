//! A RELAX NG validator for the part of the language that `fixtures/xml/nova.rng` uses, with derivatives (James Clark,
//! "An algorithm for RELAX NG validation"). It panics on a schema that uses more.
//!
//! In the gate, libxml2 validates the same answers against the same schema (`tests/xml/run`).

use std::collections::HashMap;
use std::rc::Rc;

use roxmltree::{Document, Node};

pub struct Grammar {
    start: Pattern,
    defined: HashMap<String, Pattern>,
}

type Pattern = Rc<Rule>;
type Name = (String, String);

enum Rule {
    Empty,
    NotAllowed,
    Text,
    Value(String),
    Integer,
    DateTime,
    Choice(Pattern, Pattern),
    Group(Pattern, Pattern),
    OneOrMore(Pattern),
    Element(Name, Pattern),
    Attribute(Name, Pattern),
    Ref(String),
}

use Rule::{
    Attribute, Choice, DateTime, Element, Empty, Group, Integer, NotAllowed, OneOrMore, Ref, Text,
    Value,
};

impl Grammar {
    pub fn parse(schema: &str) -> Self {
        let document = Document::parse(schema).unwrap();
        let mut start = None;
        let mut defined = HashMap::new();
        for part in elements(document.root_element()) {
            match part.tag_name().name() {
                "start" => start = Some(group(part)),
                "define" => {
                    let twice = defined.insert(named(part).to_owned(), group(part));
                    assert!(twice.is_none(), "{} is defined twice", named(part));
                }
                other => panic!("the schema has a {other}"),
            }
        }
        Self {
            start: start.expect("the schema has no start"),
            defined,
        }
    }

    /// Checks a document against the grammar. The error names the first wrong element, if known.
    pub fn check(&self, xml: &str) -> Result<(), String> {
        let document = Document::parse(xml).map_err(|error| error.to_string())?;
        let mut deepest = (0, "the root".to_owned());
        let left = self.child(&self.start, document.root_element(), &mut deepest);
        if self.may_be_empty(&left) {
            Ok(())
        } else {
            Err(format!("{} is not as the grammar has it: {xml}", deepest.1))
        }
    }

    /// Returns what is left of a pattern after an element.
    fn child(&self, of: &Pattern, element: Node, deepest: &mut (usize, String)) -> Pattern {
        match &**of {
            Element(name, content) if *name == name_of(element) => {
                if self.holds(content, element, deepest) {
                    return Rc::new(Empty);
                }
                let depth = element.ancestors().count();
                if depth > deepest.0 {
                    *deepest = (depth, format!("<{}>", name.1));
                }
                Rc::new(NotAllowed)
            }
            Choice(a, b) => choice(
                self.child(a, element, deepest),
                self.child(b, element, deepest),
            ),
            Group(a, b) => {
                let after = grouped(self.child(a, element, deepest), b.clone());
                if self.may_be_empty(a) {
                    choice(after, self.child(b, element, deepest))
                } else {
                    after
                }
            }
            OneOrMore(a) => grouped(self.child(a, element, deepest), or_none(of.clone())),
            Ref(name) => self.child(self.definition(name), element, deepest),
            _ => Rc::new(NotAllowed),
        }
    }

    /// Whether an element has the attributes and children of a pattern.
    fn holds(&self, content: &Pattern, element: Node, deepest: &mut (usize, String)) -> bool {
        let mut left = content.clone();
        for attribute in element.attributes() {
            let namespace = attribute.namespace().unwrap_or_default().to_owned();
            let name = (namespace, attribute.name().to_owned());
            left = self.attribute(&left, &name, attribute.value());
        }
        let has_elements = element.children().any(|child| child.is_element());
        if !has_elements {
            let text: String = element
                .children()
                .filter_map(|child| child.text())
                .collect();
            return self.is_text(&left, &text);
        }
        for child in element.children() {
            if child.is_element() {
                left = self.child(&left, child, deepest);
            } else if child.is_text() && !child.text().unwrap_or_default().trim().is_empty() {
                return false;
            }
        }
        self.may_be_empty(&left)
    }

    /// Returns what is left of a pattern after an attribute.
    fn attribute(&self, of: &Pattern, name: &Name, value: &str) -> Pattern {
        match &**of {
            Attribute(is, content) if is == name && self.is_text(content, value) => Rc::new(Empty),
            Choice(a, b) => choice(
                self.attribute(a, name, value),
                self.attribute(b, name, value),
            ),
            Group(a, b) => choice(
                grouped(self.attribute(a, name, value), b.clone()),
                grouped(a.clone(), self.attribute(b, name, value)),
            ),
            OneOrMore(a) => grouped(self.attribute(a, name, value), or_none(of.clone())),
            Ref(defined) => self.attribute(self.definition(defined), name, value),
            _ => Rc::new(NotAllowed),
        }
    }

    /// Whether a text satisfies a pattern.
    fn is_text(&self, pattern: &Pattern, text: &str) -> bool {
        if text.trim().is_empty() && self.may_be_empty(pattern) {
            return true;
        }
        match &**pattern {
            Text => true,
            Value(is) => is == text.trim(),
            Integer => text.trim().parse::<i64>().is_ok(),
            DateTime => is_date_time(text.trim()),
            Choice(a, b) => self.is_text(a, text) || self.is_text(b, text),
            Group(a, b) => {
                (self.may_be_empty(a) && self.is_text(b, text))
                    || (self.may_be_empty(b) && self.is_text(a, text))
            }
            OneOrMore(a) => self.is_text(a, text),
            Ref(name) => self.is_text(self.definition(name), text),
            Empty | NotAllowed | Element(..) | Attribute(..) => false,
        }
    }

    fn may_be_empty(&self, pattern: &Pattern) -> bool {
        match &**pattern {
            Empty | Text => true,
            Choice(a, b) => self.may_be_empty(a) || self.may_be_empty(b),
            Group(a, b) => self.may_be_empty(a) && self.may_be_empty(b),
            OneOrMore(a) => self.may_be_empty(a),
            Ref(name) => self.may_be_empty(self.definition(name)),
            NotAllowed | Value(_) | Integer | DateTime | Element(..) | Attribute(..) => false,
        }
    }

    fn definition(&self, name: &str) -> &Pattern {
        let found = self.defined.get(name);
        found.unwrap_or_else(|| panic!("the schema does not define {name}"))
    }
}

fn choice(a: Pattern, b: Pattern) -> Pattern {
    match (&*a, &*b) {
        (NotAllowed, _) => b,
        (_, NotAllowed) => a,
        _ => Rc::new(Choice(a, b)),
    }
}

fn grouped(a: Pattern, b: Pattern) -> Pattern {
    match (&*a, &*b) {
        (NotAllowed, _) | (_, Empty) => a,
        (_, NotAllowed) | (Empty, _) => b,
        _ => Rc::new(Group(a, b)),
    }
}

fn or_none(a: Pattern) -> Pattern {
    Rc::new(Choice(a, Rc::new(Empty)))
}

/// Returns the children of a schema element as one pattern.
fn group(of: Node) -> Pattern {
    elements(of).map(pattern).fold(Rc::new(Empty), grouped)
}

fn pattern(node: Node) -> Pattern {
    Rc::new(match node.tag_name().name() {
        "element" => Element(qualified(node, inherited_namespace(node)), group(node)),
        "attribute" => Attribute(qualified(node, ""), group(node)),
        "optional" => return or_none(group(node)),
        "zeroOrMore" => return or_none(Rc::new(OneOrMore(group(node)))),
        "oneOrMore" => OneOrMore(group(node)),
        "choice" => {
            return elements(node)
                .map(pattern)
                .fold(Rc::new(NotAllowed), choice);
        }
        "ref" => Ref(named(node).to_owned()),
        "text" => Text,
        "value" => Value(node.text().unwrap().to_owned()),
        "data" => match node.attribute("type").unwrap() {
            "integer" => Integer,
            "dateTime" => DateTime,
            other => panic!("the schema has data of type {other}"),
        },
        other => panic!("the schema has a {other}"),
    })
}

fn elements<'a, 'x: 'a>(of: Node<'a, 'x>) -> impl Iterator<Item = Node<'a, 'x>> {
    of.children().filter(Node::is_element)
}

fn named<'a>(node: Node<'a, '_>) -> &'a str {
    node.attribute("name").unwrap()
}

fn qualified(node: Node, unprefixed: &str) -> Name {
    match named(node).split_once(':') {
        Some((prefix, local)) => {
            let namespace = node.lookup_namespace_uri(Some(prefix));
            (namespace.unwrap().to_owned(), local.to_owned())
        }
        None => (unprefixed.to_owned(), named(node).to_owned()),
    }
}

fn inherited_namespace<'a>(node: Node<'a, '_>) -> &'a str {
    node.ancestors()
        .find_map(|ancestor| ancestor.attribute("ns"))
        .unwrap_or_default()
}

fn name_of(element: Node) -> Name {
    let name = element.tag_name();
    let namespace = name.namespace().unwrap_or_default();
    (namespace.to_owned(), name.name().to_owned())
}

/// XML Schema's `dateTime` without fractions, which Nova never shows.
fn is_date_time(text: &str) -> bool {
    let shape = |is: &str, form: &str| {
        is.len() == form.len()
            && is.bytes().zip(form.bytes()).all(|(is, form)| match form {
                b'0' => is.is_ascii_digit(),
                _ => is == form,
            })
    };
    let Some((clock, zone)) = text.split_at_checked(19) else {
        return false;
    };
    shape(clock, "0000-00-00T00:00:00")
        && ["", "Z", "+00:00", "-00:00"]
            .iter()
            .any(|form| shape(zone, form))
}
