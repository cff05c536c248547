/** A markdown file in which line-based readers see headings that are none, and miss those that are. */
export const torture = `---
# a comment in YAML, no heading
title: "Torture: a test"
draft: false
tags: [a, b]
weight: 1.5
none: null
---

Preamble before any heading.

Setext one
==========

Text with a hash # inside, and an escaped \\# hash.

~~~
# no heading in a tilde fence
Neither
=======
\`\`\`
still the tilde fence
~~~

Setext two
of two lines
------------

\`\`\`\`md
\`\`\`
# no heading in a fence inside a fence
\`\`\`
\`\`\`\`

    # indented code, no heading

### Closed heading with \`code()\` and *emphasis* ###

| a | b \\| # c |
| - | - |
| # no heading | \`x \\| y\` |

####### seven hashes are text
#no-space is text

> # a heading in a quote is no section
> - quoted

- item
  # a heading in an item is no section

  \`\`\`sh
  # a comment in a fence in an item
  \`\`\`
- another

## Skipped levels

<div>
# no heading inside HTML
</div>

   ## Indented by three

[ref]: https://example.org "# no heading"

\`\`\`js
// # a fence that never ends: the rest is code? No, a file may close it
\`\`\`

***

# After all

Last line without end`;
