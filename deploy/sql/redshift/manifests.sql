-- Written by `make deploy` of the schema that the project is configured with: docs/bi.md.

ALTER TABLE delta.`s3a://<bucket>/gold/features/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/features/`;
ALTER TABLE delta.`s3a://<bucket>/gold/segments/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/segments/`;
ALTER TABLE delta.`s3a://<bucket>/gold/unsegmented/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/unsegmented/`;
ALTER TABLE delta.`s3a://<bucket>/gold/segment_profiles/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/segment_profiles/`;
ALTER TABLE delta.`s3a://<bucket>/gold/history/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/history/`;
ALTER TABLE delta.`s3a://<bucket>/gold/movers/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/movers/`;
ALTER TABLE delta.`s3a://<bucket>/gold/moves/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/moves/`;
ALTER TABLE delta.`s3a://<bucket>/gold/campaign/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/campaign/`;
ALTER TABLE delta.`s3a://<bucket>/gold/lifetime_value/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/lifetime_value/`;
ALTER TABLE delta.`s3a://<bucket>/gold/feature_table/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/feature_table/`;
ALTER TABLE delta.`s3a://<bucket>/gold/feature_history/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/feature_history/`;
ALTER TABLE delta.`s3a://<bucket>/gold/campaign_results/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/campaign_results/`;
ALTER TABLE delta.`s3a://<bucket>/gold/monitoring/` SET TBLPROPERTIES ('delta.compatibility.symlinkFormatManifest.enabled' = 'true');
GENERATE symlink_format_manifest FOR TABLE delta.`s3a://<bucket>/gold/monitoring/`;
