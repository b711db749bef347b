-- The rights of deploy/access/roles.yml in Unity Catalog, written by `make docs`.
-- Catalogs, schemas and volumes are made first, tables by a first run: docs/deploy_databricks.md.

GRANT USE CATALOG ON CATALOG dev TO `<developer>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA dev.bronze TO `<developer>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA dev.gold TO `<developer>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA dev.silver TO `<developer>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME dev.bronze.landed TO `<developer>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME dev.gold.models TO `<developer>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME dev.gold.segmentation TO `<developer>`;

GRANT USE CATALOG ON CATALOG dev TO `<ci>`;
GRANT USE SCHEMA ON SCHEMA dev.gold TO `<ci>`;
GRANT READ VOLUME ON VOLUME dev.gold.models TO `<ci>`;

GRANT USE CATALOG ON CATALOG dev TO `<administrator>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA dev.bronze TO `<administrator>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA dev.gold TO `<administrator>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA dev.silver TO `<administrator>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME dev.bronze.landed TO `<administrator>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME dev.gold.models TO `<administrator>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME dev.gold.segmentation TO `<administrator>`;

GRANT USE CATALOG ON CATALOG staging TO `<ci>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA staging.bronze TO `<ci>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA staging.gold TO `<ci>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA staging.silver TO `<ci>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME staging.bronze.landed TO `<ci>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME staging.gold.models TO `<ci>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME staging.gold.segmentation TO `<ci>`;

GRANT USE CATALOG ON CATALOG staging TO `<administrator>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA staging.bronze TO `<administrator>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA staging.gold TO `<administrator>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA staging.silver TO `<administrator>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME staging.bronze.landed TO `<administrator>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME staging.gold.models TO `<administrator>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME staging.gold.segmentation TO `<administrator>`;

GRANT USE CATALOG ON CATALOG staging TO `<debugger>`;
GRANT USE SCHEMA, SELECT ON SCHEMA staging.gold TO `<debugger>`;
GRANT USE SCHEMA ON SCHEMA staging.silver TO `<debugger>`;
GRANT SELECT ON TABLE staging.silver.customers TO `<debugger>`;
GRANT SELECT ON TABLE staging.silver.outcomes_apart TO `<debugger>`;
GRANT SELECT ON TABLE staging.silver.purchases TO `<debugger>`;
GRANT READ VOLUME ON VOLUME staging.gold.models TO `<debugger>`;
GRANT READ VOLUME ON VOLUME staging.gold.segmentation TO `<debugger>`;

GRANT USE CATALOG ON CATALOG staging TO `<service>`;
GRANT USE SCHEMA ON SCHEMA staging.gold TO `<service>`;
GRANT READ VOLUME ON VOLUME staging.gold.models TO `<service>`;

GRANT USE CATALOG ON CATALOG staging TO `<server>`;
GRANT USE SCHEMA, SELECT ON SCHEMA staging.gold TO `<server>`;
GRANT USE SCHEMA ON SCHEMA staging.silver TO `<server>`;
GRANT SELECT ON TABLE staging.silver.customers TO `<server>`;
GRANT SELECT ON TABLE staging.silver.outcomes_apart TO `<server>`;
GRANT SELECT ON TABLE staging.silver.purchases TO `<server>`;
GRANT READ VOLUME ON VOLUME staging.gold.models TO `<server>`;
GRANT READ VOLUME ON VOLUME staging.gold.segmentation TO `<server>`;

GRANT USE CATALOG ON CATALOG staging TO `<steward>`;
GRANT USE SCHEMA, SELECT ON SCHEMA staging.bronze TO `<steward>`;
GRANT USE SCHEMA, SELECT ON SCHEMA staging.gold TO `<steward>`;
GRANT USE SCHEMA, SELECT ON SCHEMA staging.silver TO `<steward>`;
GRANT READ VOLUME ON VOLUME staging.bronze.landed TO `<steward>`;
GRANT READ VOLUME ON VOLUME staging.gold.models TO `<steward>`;
GRANT READ VOLUME ON VOLUME staging.gold.segmentation TO `<steward>`;

GRANT USE CATALOG ON CATALOG prod TO `<service>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA prod.bronze TO `<service>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA prod.gold TO `<service>`;
GRANT USE SCHEMA, SELECT, CREATE TABLE, MODIFY ON SCHEMA prod.silver TO `<service>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME prod.bronze.landed TO `<service>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME prod.gold.models TO `<service>`;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME prod.gold.segmentation TO `<service>`;

GRANT USE CATALOG ON CATALOG prod TO `<consumer>`;
GRANT USE SCHEMA, SELECT ON SCHEMA prod.gold TO `<consumer>`;
GRANT USE SCHEMA ON SCHEMA prod.silver TO `<consumer>`;
GRANT SELECT ON TABLE prod.silver.customers TO `<consumer>`;
GRANT SELECT ON TABLE prod.silver.outcomes_apart TO `<consumer>`;
GRANT SELECT ON TABLE prod.silver.purchases TO `<consumer>`;
GRANT READ VOLUME ON VOLUME prod.gold.models TO `<consumer>`;
GRANT READ VOLUME ON VOLUME prod.gold.segmentation TO `<consumer>`;

GRANT USE CATALOG ON CATALOG prod TO `<server>`;
GRANT USE SCHEMA, SELECT ON SCHEMA prod.gold TO `<server>`;
GRANT USE SCHEMA ON SCHEMA prod.silver TO `<server>`;
GRANT SELECT ON TABLE prod.silver.customers TO `<server>`;
GRANT SELECT ON TABLE prod.silver.outcomes_apart TO `<server>`;
GRANT SELECT ON TABLE prod.silver.purchases TO `<server>`;
GRANT READ VOLUME ON VOLUME prod.gold.models TO `<server>`;
GRANT READ VOLUME ON VOLUME prod.gold.segmentation TO `<server>`;

GRANT USE CATALOG ON CATALOG prod TO `<steward>`;
GRANT USE SCHEMA, SELECT ON SCHEMA prod.bronze TO `<steward>`;
GRANT USE SCHEMA, SELECT ON SCHEMA prod.gold TO `<steward>`;
GRANT USE SCHEMA, SELECT ON SCHEMA prod.silver TO `<steward>`;
GRANT READ VOLUME ON VOLUME prod.bronze.landed TO `<steward>`;
GRANT READ VOLUME ON VOLUME prod.gold.models TO `<steward>`;
GRANT READ VOLUME ON VOLUME prod.gold.segmentation TO `<steward>`;
