//! Secret settings at rest: rows hold them sealed with the master key, so that neither the history nor a backup has them in plain.

use std::collections::BTreeMap;

use catalog::Owner;
use serde_json::{Value, json};
use store::Vault;
use vocabulary::Fault;

/// What a sealed value is an object with.
const MARK: &str = "sealed!";

/// Seals and opens the secret settings of one coordinator.
#[derive(Debug, Clone)]
pub(crate) struct Seals {
    vault: Option<Vault>,
    owner: Owner,
}

impl Seals {
    pub(crate) const fn new(vault: Option<Vault>, owner: Owner) -> Self {
        Self { vault, owner }
    }

    /// The value as its row holds it.
    pub(crate) fn seal(&self, key: &str, value: &Value) -> Result<Value, Fault> {
        let vault = self.vault.as_ref().ok_or_else(|| {
            Fault::invalid(format!("setting {key} is a secret, and {} has no master key to seal it", self.owner))
                .hint("start it with --master-key")
        })?;
        Ok(json!({ MARK: vault.seal(&self.place(key), value.to_string().as_bytes())? }))
    }

    /// Rows as they are meant. What can't be opened is left out, and complained about: the default holds.
    pub(crate) fn open(&self, rows: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let opened = rows.into_iter().filter_map(|(key, value)| {
            let Some(sealed) = value.get(MARK).and_then(Value::as_str) else { return Some((key, value)) };
            match self.opened(&key, sealed) {
                Ok(value) => Some((key, value)),
                Err(why) => {
                    tracing::error!(key, why, "secret setting can't be opened, so its default holds");
                    None
                }
            }
        });
        opened.collect()
    }

    fn opened(&self, key: &str, sealed: &str) -> Result<Value, String> {
        let vault = self.vault.as_ref().ok_or("there is no master key")?;
        let bytes = vault.open(&self.place(key), sealed).map_err(|e| e.to_string())?;
        serde_json::from_slice(&bytes).map_err(|e| e.to_string())
    }

    fn place(&self, key: &str) -> String {
        format!("coordinator_config|config_value|{}/{key}", self.owner.component())
    }
}

#[cfg(test)]
mod tests {
    use store::MasterKey;

    use super::*;

    fn seals(owner: Owner, key: &MasterKey) -> Seals {
        Seals::new(Some(Vault::new(key, &[]).unwrap()), owner)
    }

    #[test]
    fn what_is_sealed_is_opened_where_it_belongs() {
        let (key, other) = (MasterKey::fresh().unwrap(), MasterKey::fresh().unwrap());
        let here = seals(Owner::Security, &key);
        let sealed = here.seal("word", &json!("open sesame")).unwrap();
        assert!(!sealed.to_string().contains("sesame"));
        let row = |name: &str| BTreeMap::from([(name.to_owned(), sealed.clone()), ("plain".to_owned(), json!(7))]);
        for (who, name, opened) in [
            (here.clone(), "word", true),
            (here, "another", false),
            (seals(Owner::Telescope, &key), "word", false),
            (seals(Owner::Security, &other), "word", false),
            (Seals::new(None, Owner::Security), "word", false),
        ] {
            let rows = who.open(row(name));
            assert_eq!(rows.get(name), opened.then(|| json!("open sesame")).as_ref(), "{name}");
            assert_eq!(rows.get("plain"), Some(&json!(7)));
        }
        assert!(Seals::new(None, Owner::Security).seal("word", &json!(1)).is_err());
    }
}
