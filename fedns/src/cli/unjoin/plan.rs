//! What would be removed. Reads only.

use clusters::federation::unjoin::inventory::{self, Inventory};
use clusters::federation::unjoin::local;
use clusters::federation::unjoin::remote::{Leaver, PATIENCE};

use super::{Prepared, Unjoin, warn};
use crate::cli::steps::one;
use crate::cli::{CommandResult, print, steps};
use crate::control_plane::delete::text::MemberText;

impl Unjoin {
    pub(super) async fn tell_plan(&self, prepared: &Prepared) -> CommandResult {
        let Self { name, place, .. } = self;
        let Prepared { federation, host, .. } = prepared;
        let namespace = &place.federation_system_namespace;
        let held = local::look(federation, host, namespace, name).await.map_err(|it| one(&it))?;
        if !held.is_listed {
            warn(&format!("cluster {name:?} is not in the federation"));
        }
        let (found, federation) = match self.leaver(prepared) {
            Ok(leaver) => (self.take_inventory(&leaver).await, leaver.federation),
            Err(leftover) => (Err(leftover.why), ""),
        };
        let objects = self.objects;
        let mut text = "What would be removed; nothing was changed:\n".to_owned();
        if held.is_listed {
            text += &format!("  cluster {name} in the federation, and its share in DNS\n");
        }
        let secrets = held.kept.secrets.iter().map(|name| format!("secret {namespace}/{name}"));
        let debts = held.kept.debts.iter().map(|name| format!("config map {namespace}/{name}"));
        for words in secrets.chain(debts) {
            text += &format!("  {words} in the host cluster\n");
        }
        text += &MemberText { name, found: &found, federation, objects }.to_string();
        if let Some(secret) = &held.own_secret {
            text += "What would stay:\n";
            text += &steps::leftovers_text(&[prepared.own_secret(namespace, secret)]);
        }
        print(text)
    }

    async fn take_inventory(&self, leaver: &Leaver<'_>) -> Result<Inventory, String> {
        let member = self.member().await?;
        let text = |failure: clusters::Failure| failure.to_string();
        member.answers(PATIENCE).await.map_err(text)?;
        inventory::take(&member, leaver).await.map_err(text)
    }
}
