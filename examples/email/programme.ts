// The e-mail programme of spring 2026: what was planned, before any customer is simulated.

export const styles = ['A', 'B', 'C'] as const
export type Style = (typeof styles)[number]

export const audiences = [
  'all subscribers',
  'loyal customers',
  'new since autumn',
  'garden',
  'kitchen',
  'not seen lately',
] as const
export type Audience = (typeof audiences)[number]

export interface Campaign {
  readonly name: string
  readonly audience: Audience
  /** Subject lines: A says what the reader gains, B makes curious, C speaks like a friend. */
  readonly subjects: Readonly<Record<Style, string>>
}

const campaign = (name: string, audience: Audience, A: string, B: string, C: string): Campaign => ({
  name,
  audience,
  subjects: { A, B, C },
})

/** The campaigns in the order in which they are sent, about one every other day. */
export const campaigns: readonly Campaign[] = [
  campaign(
    'New Year Sale',
    'all subscribers',
    'Up to 40% off, today and tomorrow only',
    'The first thing to change in 2026',
    'Happy new year from all of us',
  ),
  campaign(
    'Newsletter 1',
    'all subscribers',
    '5 winter recipes in under 30 minutes',
    'What our cook eats in January',
    'A quiet week, and soup',
  ),
  campaign(
    'Welcome Back',
    'not seen lately',
    'Here is 10% off your next order',
    'Did we do something wrong?',
    'We have missed you',
  ),
  campaign(
    'Winter Clearance',
    'loyal customers',
    'Last pairs from 19 euros',
    'They will be gone by Friday',
    'We are clearing the attic',
  ),
  campaign(
    'Newsletter 2',
    'all subscribers',
    'How to sharpen a knife in 3 steps',
    'The knife mistake almost everyone makes',
    'Notes from our workshop',
  ),
  campaign(
    'Seed Catalogue',
    'garden',
    '120 new seeds, free delivery until Sunday',
    'The tomato nobody can buy in a shop',
    'Is it too early to dream of tomatoes?',
  ),
  campaign(
    'First Order',
    'new since autumn',
    'Save 15% on your second order',
    'One more thing about your order',
    'How did we do?',
  ),
  campaign(
    'Newsletter 3',
    'all subscribers',
    'Save heat: 7 things to do tonight',
    'Why your kitchen is colder than it should be',
    'Tea, blankets and a good read',
  ),
  campaign(
    'Cast Iron Week',
    'kitchen',
    '25% off all cast iron',
    'One pan for forty years',
    'Grandmother was right about pans',
  ),
  campaign(
    'Loyalty Preview',
    'loyal customers',
    'Your early access: 48 hours before everyone',
    'Not on our website yet',
    'You get to see it first',
  ),
  campaign(
    'Newsletter 4',
    'all subscribers',
    '6 houseplants that forgive you',
    'Your plant is trying to tell you something',
    'What grows on our windowsill',
  ),
  campaign(
    'Greenhouse Days',
    'garden',
    'Greenhouses from 89 euros, delivered free',
    'How to pick tomatoes in May',
    'Mine is full already',
  ),
  campaign(
    'Baking Month',
    'kitchen',
    'Bread tins 3 for 2',
    'The trick with the cold oven',
    'It smells of bread in here',
  ),
  campaign(
    'Newsletter 5',
    'all subscribers',
    'The best 20 minutes for your back',
    'You are sitting on the problem',
    'A short one today',
  ),
  campaign(
    'Come Back Gift',
    'not seen lately',
    'A free tea towel with any order',
    'We kept something for you',
    'It has been a while',
  ),
  campaign(
    'Newsletter 6',
    'all subscribers',
    '4 dinners for two, each under 10 euros',
    'The table that changes every evening',
    'Cooking for two, slowly',
  ),
  campaign(
    'Pruning Guide',
    'garden',
    'Prune roses in 4 cuts: free guide',
    'The cut that ruins your roses',
    'Out with the shears',
  ),
  campaign(
    'Loyalty Points',
    'loyal customers',
    'Your points are worth 12 euros',
    'Something in your account expires soon',
    'A small thank you',
  ),
  campaign(
    'Valentine Early',
    'all subscribers',
    'Order by the 9th, delivered by the 14th',
    'They will never guess',
    'For somebody you like',
  ),
  campaign(
    'Newsletter 7',
    'all subscribers',
    '9 stains and what removes them',
    'Never put this on red wine',
    'Spilled, wiped, forgotten',
  ),
  campaign(
    'Knife Week',
    'kitchen',
    '20% off knives, sharpening included',
    'Sharper than new',
    'Bring us your blunt ones',
  ),
  campaign(
    'Second Look',
    'new since autumn',
    'Free returns on everything until March',
    'What other new customers bought',
    'Getting to know you',
  ),
  campaign(
    'Valentine',
    'all subscribers',
    'Still in time: gift cards by e-mail',
    'Forgot something?',
    'With love, and a little late',
  ),
  campaign(
    'Potting Shed',
    'garden',
    'Compost 4 for 3, delivered to the door',
    'What is really in your compost',
    'Mud season',
  ),
  campaign(
    'Newsletter 8',
    'all subscribers',
    'Plan the year in one page (print it)',
    'The page we stick on our fridge',
    'February, half done',
  ),
  campaign(
    'Spring Preview',
    'loyal customers',
    'Spring collection: 10% off until Monday',
    'Nobody has seen this yet',
    'First look, just for you',
  ),
  campaign(
    'Newsletter 9',
    'all subscribers',
    'Spring cleaning in 5 short evenings',
    'Start with the drawer you never open',
    'Windows open at last',
  ),
  campaign(
    'Spring Opening',
    'all subscribers',
    'Spring is here: 15% off garden and kitchen',
    'Look what came up',
    'Finally, some sun',
  ),
  campaign(
    'Pan Swap',
    'kitchen',
    '10 euros for your old pan',
    'Your old pan is worth more than you think',
    'Let us take that pan',
  ),
  campaign(
    'Try Again',
    'not seen lately',
    '20% off, one week, no minimum',
    'Is this still your address?',
    'Shall we stay in touch?',
  ),
  campaign(
    'Newsletter 10',
    'all subscribers',
    'Asparagus: buy, peel, cook in 12 minutes',
    'The part of asparagus you throw away',
    'It is asparagus time',
  ),
  campaign(
    'Raised Beds',
    'garden',
    'Raised beds from 49 euros',
    'Vegetables without bending down',
    'We built one in an hour',
  ),
  campaign(
    'Spring Sale',
    'all subscribers',
    'Up to 30% off until 22 March',
    'It starts at midnight',
    'The one you asked us about',
  ),
  campaign(
    'Loyalty Double',
    'loyal customers',
    'Double points on every order this week',
    'Twice of something',
    'You first, as always',
  ),
  campaign(
    'Newsletter 11',
    'all subscribers',
    '8 balcony plants that survive you',
    'The plant that waters itself',
    'From our balcony to yours',
  ),
  campaign(
    'Easter Early',
    'all subscribers',
    'Easter tins: order now, free delivery',
    'Hidden until Easter',
    'Not long now',
  ),
  campaign(
    'Kitchen Refresh',
    'kitchen',
    'New handles, new kitchen: from 3 euros',
    'The ten-minute renovation',
    'A small change at home',
  ),
  campaign(
    'Newsletter 12',
    'all subscribers',
    'The 15-minute garden plan',
    'One hour that saves you the summer',
    'Boots by the door',
  ),
  campaign(
    'Spring Sale Reminder',
    'all subscribers',
    'Last 5 days: up to 30% off',
    'You left this open',
    'Do not say we did not tell you',
  ),
  campaign(
    'New Friends',
    'new since autumn',
    '5 euros for you, 5 for a friend',
    'Who told you about us?',
    'Glad you are here',
  ),
]

/** The campaign that the predictions are made for: planned, not yet sent. */
export const next: Campaign = campaign(
  'Spring Sale Finale',
  'all subscribers',
  'Ends tonight: 30% off garden and kitchen',
  'At midnight it is gone',
  'One last word about the sale',
)
