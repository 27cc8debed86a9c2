//! Organisations: whose accounts and groups are whose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{Timestamp, ids::OrganisationId};

use super::example_id;
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Shape},
};

const READ: Needs = Needs::right("organisation", "read");
const WRITE: Needs = Needs::right("organisation", "write");

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Shape for Organisation {
    fn example() -> Self {
        Self {
            id: example_id("0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a25"),
            name: "Hill Observatory".to_owned(),
            description: "The observatory on the hill.".to_owned(),
            created_at: example_time(),
            updated_at: example_time(),
        }
    }
}

/// Makes an organisation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrganisation {
    /// What it is to be called, 1 to 128 characters. No two differ by case alone.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub description: String,
}

impl Shape for CreateOrganisation {
    fn example() -> Self {
        let Organisation { name, description, .. } = Organisation::example();
        Self { name, description }
    }
}

impl Command for CreateOrganisation {
    const NAME: &'static str = "security/organisation/create";
    const ALIASES: &'static [&'static str] = &["security/organization/create"];
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneOrganisation;
}

/// One organisation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneOrganisation {
    /// The organisation.
    pub organisation: Organisation,
}

impl Shape for OneOrganisation {
    fn example() -> Self {
        Self { organisation: Organisation::example() }
    }
}

/// Changes an organisation; what is not named stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateOrganisation {
    /// Which one.
    #[serde(alias = "organization_id")]
    pub organisation_id: OrganisationId,
    /// What it is to be called.
    pub name: Option<String>,
    /// What it is.
    pub description: Option<String>,
}

impl Shape for UpdateOrganisation {
    fn example() -> Self {
        let Organisation { id, .. } = Organisation::example();
        Self { organisation_id: id, name: Some("Hill and Valley Observatory".to_owned()), description: None }
    }
}

impl Command for UpdateOrganisation {
    const NAME: &'static str = "security/organisation/update";
    const ALIASES: &'static [&'static str] = &["security/organization/update"];
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneOrganisation;

    fn scope(&self) -> Option<String> {
        Some(self.organisation_id.to_string())
    }
}

/// Asks for the organisations.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListOrganisations {
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListOrganisations {
    fn example() -> Self {
        Self { limit: Some(10), cursor: None }
    }
}

impl Command for ListOrganisations {
    const NAME: &'static str = "security/organisation/list";
    const ALIASES: &'static [&'static str] = &["security/organization/list"];
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Organisations;
}

/// A page of organisations.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Organisations {
    /// By name.
    pub organisations: Vec<Organisation>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Organisations {
    fn example() -> Self {
        Self { organisations: vec![Organisation::example()], next: None }
    }
}

/// Deletes an organisation that nobody belongs to any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteOrganisation {
    /// Which one.
    #[serde(alias = "organization_id")]
    pub organisation_id: OrganisationId,
}

impl Shape for DeleteOrganisation {
    fn example() -> Self {
        Self { organisation_id: Organisation::example().id }
    }
}

impl Command for DeleteOrganisation {
    const NAME: &'static str = "security/organisation/delete";
    const ALIASES: &'static [&'static str] = &["security/organization/delete"];
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.organisation_id.to_string())
    }
}
