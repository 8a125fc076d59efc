-- Synthetic: 180 invented firms.
select
  'account-' || lpad(number::varchar, 3, '0') as account_id,
  pick(['Amber', 'Blue', 'Cedar', 'Delta', 'Ember', 'Fjord', 'Granite', 'Harbor', 'Indigo', 'Juniper'], 'firm first', number)
  || ' '
  || pick(['Works', 'Supply', 'Partners', 'Systems', 'Foods', 'Clinic', 'Studio', 'Logistics'], 'firm last', number)
  || ' '
  || number as name,
  pick(['retail', 'health care', 'software', 'manufacturing', 'hospitality', 'education'], 'industry', number) as industry,
  floor(exp(draw('employees', number) * 7.6))::integer as employees,
  floor(exp(draw('employees', number) * 7.6) * (60000 + 120000 * draw('revenue', number)))::bigint as revenue,
  1 + floor(draw('locations', number) * draw('employees', number) * 12)::integer as locations,
  pick(['spreadsheets', 'own warehouse', 'shop suite', 'point of sale'], 'technology', number) as technology,
  pick(['start-up', 'growth', 'established'], 'stage', number) as stage
from range(1, 181) as numbers(number)
order by account_id
