"""E-commerce of many tenants: event streams of merchants, and the invoices of a retailer by country."""
