//! The schema of reports, as it is published in `docs/report.schema.json`.

use oci_bundle::{check, copy, export, import, inventory, verify};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::Document;

/// One of the objects that a command ends with.
fn of(command: &str, object: Value) -> Value {
    json!({"properties": {"command": {"const": command}}, "allOf": [object]})
}

fn schema() -> Value {
    let mut generator: SchemaGenerator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let refer = |schema: schemars::Schema| schema.to_value();
    let exported = refer(generator.subschema_for::<export::Exported>());
    let imported = refer(generator.subschema_for::<import::Imported>());
    let copied = refer(generator.subschema_for::<copy::Copied>());
    let verified = refer(generator.subschema_for::<verify::Verified>());
    let checked = refer(generator.subschema_for::<check::Checked>());
    let inventoried = refer(generator.subschema_for::<inventory::Inventoried>());
    let several = json!({
        "type": "object",
        "required": ["bundles"],
        "properties": {"bundles": {"type": "array", "items": verified.clone()}},
    });
    let document = generator.subschema_for::<Document>().to_value();
    let error = json!({
        "type": "object",
        "required": ["kind", "message"],
        "properties": {
            "kind": {"type": "string"},
            "message": {"type": "string"},
            "hint": {"type": "string"},
        },
    });
    let failed = json!({
        "description": "It failed before there was anything to say of images.",
        "type": "object",
        "required": ["error"],
        "not": {"required": ["images"]},
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A report of bundle",
        "description": "What `--report FILE` writes. New keys may join; those that are here stay.",
        "allOf": [document],
        "properties": {"error": error.clone(), "errors": {"type": "array", "items": error}},
        "anyOf": [
            of("export", exported.clone()),
            of("pack", exported),
            of("import", imported),
            of("copy", copied),
            of("verify", verified),
            of("verify", several),
            of("check", checked),
            of("inventory", inventoried),
            failed,
        ],
        "$defs": generator.take_definitions(true),
    })
}

#[test]
fn the_published_schema_is_the_one_of_the_reports() {
    let now = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");
    // BLESS=1 writes what is so now; whoever commits it has read it.
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, &now).expect("the schema");
    }
    let published = std::fs::read_to_string(file).expect("the schema");
    assert!(now == published, "BLESS=1 cargo test --bin bundle schema");
}
