//! What is kept for each service.

use tidegate_core::model::{Name, ServiceKey, ServiceState};

use super::name_of;
use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "services";

impl Reader {
    /// One service.
    pub fn service(&self, key: &ServiceKey) -> Result<Option<ServiceState>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM services WHERE app = ?1 AND environment = ?2 AND service = ?3",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str()),
        )
    }

    /// Every service, by key.
    pub fn services(&self) -> Result<Vec<ServiceState>, StoreError> {
        self.many(TABLE, "SELECT body FROM services ORDER BY app, environment, service", [])
    }

    /// Every service of an environment, by name.
    pub fn services_of(&self, app: &Name, environment: &Name) -> Result<Vec<ServiceState>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM services WHERE app = ?1 AND environment = ?2 ORDER BY service",
            (app.as_str(), environment.as_str()),
        )
    }

    /// Every app and environment that was ever deployed to, by name.
    pub fn apps(&self) -> Result<Vec<(Name, Name)>, StoreError> {
        self.each(
            "SELECT app, environment FROM services UNION SELECT app, environment FROM deploys ORDER BY 1, 2",
            [],
            |found| Ok((name_of(TABLE, found, 0)?, name_of(TABLE, found, 1)?)),
        )
    }
}

impl Tx<'_> {
    /// Keeps a service in place of what was kept for its key.
    pub fn put_service(&self, service: &ServiceState) -> Result<(), StoreError> {
        let key = &service.key;
        self.write(
            "INSERT INTO services (app, environment, service, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (app, environment, service) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (
                key.app.as_str(),
                key.environment.as_str(),
                key.service.as_str(),
                row::to_body(TABLE, service)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets a service. The transaction fails at its end where an instance or a rollout of it is left.
    pub fn remove_service(&self, key: &ServiceKey) -> Result<(), StoreError> {
        self.write(
            "DELETE FROM services WHERE app = ?1 AND environment = ?2 AND service = ?3",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str()),
        )?;
        Ok(())
    }
}
