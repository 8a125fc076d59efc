-- Who people are, as far as they or the household have said. Unknown is null for numbers and 'unknown' for words:
-- nobody is left out in silence. These facts carry no date: they are as last loaded on every day.
with missing as (
  select
    people.person_no,
    list_filter(
      [
        if(people.language is null, 'language', null),
        if(demographics.household_size is null, 'household_size', null),
        if(demographics.children is null, 'children', null),
        if(demographics.home_ownership is null, 'home_ownership', null),
        if(demographics.age_from is null, 'age', null),
        if(demographics.income_from is null, 'income', null)
      ],
      lambda name: name is not null
    ) as fields
  from present_people as people
  left join demographics
    using (person_no)
)
select
  people.person_no,
  demographics.age_from::integer as age_from, -- Lower end of the head's age band; null when unknown.
  demographics.age_to::integer as age_to, -- Upper end of the head's age band; null when open or unknown.
  demographics.income_from::integer as income_from, -- Lower end of the yearly income band; null when unknown.
  demographics.household_size::integer as household_size, -- People in the household (5 stands for 5 and more); null when unknown.
  demographics.children::integer as children, -- Children in the household (3 stands for 3 and more); null when unknown.
  coalesce(demographics.home_ownership, 'unknown') as home_ownership, -- homeowner, renter … or unknown.
  coalesce(demographics.marital_status, 'unknown') as marital_status, -- married, unmarried or unknown.
  coalesce(people.language, 'unknown') as language, -- Language as ISO 639 code, or unknown.
  coalesce(people.region, 'unknown') as region, -- Legal region (eu, california, other), or unknown.
  coalesce(people.country, 'unknown') as country, -- Country as ISO 3166 code, or unknown.
  coalesce(people.state, 'unknown') as state, -- State or province, or unknown.
  len(missing.fields)::integer as fields_missing, -- How many of language, household_size, children, home_ownership, age and income are still unknown.
  missing.fields[1] as next_field -- The first of these that is unknown: what a form could ask next; null when nothing is.
from present_people as people
left join demographics
  using (person_no)
left join missing
  using (person_no)
