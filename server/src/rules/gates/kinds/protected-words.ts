// Attributes by which nobody is to be chosen, and the words that speak of them in the names and values of labels and
// segments. English, with common words of German, French and Spanish.

export const protectedNames = [
  'age',
  'disability',
  'ethnicity',
  'gender',
  'genetics',
  'health',
  'marital_status',
  'political_opinion',
  'pregnancy',
  'religion',
  'sexual_orientation',
  'sex_life',
  'trade_union',
  'criminal_record',
] as const
export type ProtectedName = (typeof protectedNames)[number]

/** Whole words, or beginnings of words with `*`. */
export const protectedWords: Readonly<Record<ProtectedName, string>> = {
  age: 'age aged agegroup ageband birthdate birthday birthyear dob yob alter geburtsdatum geburtsjahr senior seniors elderly pensioner pensioners minor minors underage teen teens teenager* fecha_nacimiento edad',
  disability: 'disab* handicap* wheelchair* blind deaf impair* behinder* minusval* discapac*',
  ethnicity:
    'ethnic* race races racial* caucasian* hispanic* latino* latina* latinx asian* arab arabs arabic african* gypsy nationality nationalit* staatsangehoerig* immigrant* migrant* foreign_born native_american skin_color skin_colour hautfarbe etnia ethnie',
  gender: 'gender* sex male female man men woman women geschlecht sexe sexo genero transgender* nonbinary',
  genetics: 'genetic* genome genomic* dna',
  health:
    'health* medical* medic disease* diabet* cancer* oncolog* hiv aids depress* anxiety adhd autis* asthma* patient* diagnos* prescription* hospital* illness* sick obes* overweight bmi addict* alcoholi* therapy therapies gesundheit* krank* sante maladie* salud enfermedad*',
  marital_status: 'marital* married divorced widow* single_parent unmarried familienstand',
  political_opinion:
    'politic* republican* democrat* conservative* liberal* voter* party_affiliation partei* socialist* communist* leftwing rightwing left_wing right_wing',
  pregnancy: 'pregnan* maternity expecting trimester fertility ivf schwanger* enceinte* embaraz*',
  religion:
    'religio* faith christian* catholic* protestant* muslim* islam* jewish jew jews judais* hindu* buddhis* sikh* atheis* church mosque synagogue temple kosher halal ramadan konfession* kirche*',
  sexual_orientation:
    'gay lesbian* bisexual* homosexual* heterosexual* lgbt* queer sexual_orientation orientation_sexual*',
  sex_life: 'sex_life sexlife adult_content porn* dating_preference',
  trade_union: 'union_member* trade_union* tradeunion* labor_union* labour_union* gewerkschaft* syndicat* sindicat*',
  criminal_record: 'criminal* convict* arrest* felon* offender* prison* vorstraf*',
}

/** What often stands for one of them. */
export const proxyWords: Readonly<Partial<Record<ProtectedName, string>>> = {
  ethnicity:
    'zip zipcode zip_code postcode post_code postal postalcode postal_code plz postleitzahl code_postal neighborhood neighbourhood census_tract surname last_name lastname family_name nachname birthplace place_of_birth country_of_birth mother_tongue native_language',
  gender: 'title salutation anrede first_name firstname given_name vorname maiden_name',
  age: 'graduation_year retirement retired',
  religion: 'dietary_preference meal_preference',
}
