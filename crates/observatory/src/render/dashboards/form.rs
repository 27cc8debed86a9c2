//! Grafana's own form of a dashboard, as far as ours need it.

use serde::Serialize;

use super::{super::grafana::SOURCE, Board, Look, Panel};
use crate::failure::Failure;

/// Structs and no maps, so that the order of keys never changes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BoardJson<'a> {
    uid: &'a str,
    title: &'a str,
    tags: [&'a str; 1],
    schema_version: u32,
    editable: bool,
    graph_tooltip: u8,
    refresh: &'a str,
    timezone: &'a str,
    time: TimeJson<'a>,
    panels: Vec<PanelJson<'a>>,
}

#[derive(Serialize)]
struct TimeJson<'a> {
    from: &'a str,
    to: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PanelJson<'a> {
    id: usize,
    r#type: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    grid_pos: GridJson,
    datasource: SourceJson<'a>,
    field_config: FieldsJson<'a>,
    targets: Vec<TargetJson<'a>>,
}

#[derive(Serialize)]
struct GridJson {
    x: usize,
    y: usize,
    w: usize,
    h: usize,
}

#[derive(Serialize)]
struct SourceJson<'a> {
    r#type: &'a str,
    uid: &'a str,
}

#[derive(Serialize)]
struct FieldsJson<'a> {
    defaults: DefaultsJson<'a>,
    overrides: [u8; 0],
}

#[derive(Serialize)]
struct DefaultsJson<'a> {
    unit: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetJson<'a> {
    ref_id: String,
    expr: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    legend_format: &'a str,
}

/// Grafana's grid is 24 wide.
const GRID_WIDTH: usize = 24;

impl Board {
    /// The dashboard in Grafana's form.
    ///
    /// # Errors
    /// Where it can't be written as JSON, which is a defect.
    pub fn json(&self) -> Result<String, Failure> {
        let board = BoardJson {
            uid: self.uid,
            title: self.title,
            tags: ["bigskies"],
            schema_version: 39,
            editable: false,
            graph_tooltip: 1,
            refresh: "15s",
            timezone: "utc",
            time: TimeJson { from: "now-1h", to: "now" },
            panels: self.placed(),
        };
        Ok(serde_json::to_string_pretty(&board)? + "\n")
    }

    fn placed(&self) -> Vec<PanelJson<'_>> {
        let (mut x, mut y, mut height) = (0, 0, 0);
        let mut placed = Vec::new();
        for (panel, id) in self.panels.iter().zip(1..) {
            let (w, h) = match panel.look {
                Look::Figure => (6, 5),
                Look::Lines | Look::States => (12, 8),
            };
            if x + w > GRID_WIDTH {
                (x, y, height) = (0, y + height, 0);
            }
            placed.push(panel.json(id, GridJson { x, y, w, h }));
            x += w;
            height = height.max(h);
        }
        placed
    }
}

impl Panel {
    fn json(&self, id: usize, grid_pos: GridJson) -> PanelJson<'_> {
        let named = |((expr, legend_format), letter): (&(&'static str, &'static str), char)| TargetJson {
            ref_id: letter.to_string(),
            expr,
            legend_format,
        };
        PanelJson {
            id,
            r#type: match self.look {
                Look::Figure => "stat",
                Look::Lines => "timeseries",
                Look::States => "state-timeline",
            },
            title: self.title,
            description: self.description,
            grid_pos,
            datasource: SourceJson { r#type: "prometheus", uid: SOURCE },
            field_config: FieldsJson { defaults: DefaultsJson { unit: self.unit.as_str() }, overrides: [] },
            targets: self.queries.iter().zip('A'..='Z').map(named).collect(),
        }
    }
}
