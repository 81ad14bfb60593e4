"""Framework files, one a framework. Data only: reading them is `compliance_reports.loading`'s matter."""
