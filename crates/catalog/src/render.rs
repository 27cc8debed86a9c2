//! Documents that derive from the catalogue: AsyncAPI, JSON Schemas, a reference in Markdown, a picture of who talks to whom.

mod asyncapi;
mod diagram;
mod reference;
mod schemas;

pub use asyncapi::asyncapi;
pub use diagram::diagram;
pub use reference::reference;
pub use schemas::schemas;

/// Every generated document as file name and content.
pub fn documents() -> Vec<(String, String)> {
    let entries = crate::all();
    let mut documents = vec![
        ("asyncapi.json".to_owned(), pretty(&asyncapi(&entries))),
        ("messages.md".to_owned(), reference(&entries)),
        ("bus.md".to_owned(), diagram(&entries)),
    ];
    for (name, schema) in schemas(&entries) {
        documents.push((format!("schemas/{name}.json"), pretty(&schema)));
    }
    documents
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
