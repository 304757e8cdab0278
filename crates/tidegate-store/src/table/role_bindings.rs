//! Who has which role where.

use tidegate_core::access::{Binding, Holder};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "role_bindings";

impl Reader {
    /// Every role somebody has, by holder.
    pub fn role_bindings(&self) -> Result<Vec<Binding>, StoreError> {
        self.many(TABLE, "SELECT body FROM role_bindings ORDER BY holder, place, role", [])
    }

    /// The roles of a holder.
    pub fn role_bindings_of(&self, holder: &Holder) -> Result<Vec<Binding>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM role_bindings WHERE holder = ?1 ORDER BY place, role",
            [holder.to_string()],
        )
    }
}

impl Tx<'_> {
    /// Gives a role; whether it was not there yet.
    pub fn add_role_binding(&self, binding: &Binding) -> Result<bool, StoreError> {
        let changed = self.write(
            "INSERT INTO role_bindings (holder, role, place, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (holder, role, place) DO NOTHING",
            (
                binding.holder.to_string(),
                binding.role.name(),
                binding.place.key(),
                row::to_body(TABLE, binding)?,
            ),
        )?;
        Ok(changed > 0)
    }

    /// Takes a role; whether it was there.
    pub fn drop_role_binding(&self, binding: &Binding) -> Result<bool, StoreError> {
        let changed = self.write(
            "DELETE FROM role_bindings WHERE holder = ?1 AND role = ?2 AND place = ?3",
            (binding.holder.to_string(), binding.role.name(), binding.place.key()),
        )?;
        Ok(changed > 0)
    }
}
