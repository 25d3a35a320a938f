// Resolves CFIs with foliate-js in documents of jsdom. The folder with both is the first argument; one JSON object on
// standard input: {files: {path: text}, cfis: [...]}; one on standard output: for every CFI its chapter and its text.

import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const folder = join(process.argv[2], 'node_modules')
const require = createRequire(join(folder, 'here.js'))
const { JSDOM, VirtualConsole } = require('jsdom')
const { window } = new JSDOM('', { virtualConsole: new VirtualConsole() })
for (const name of ['DOMParser', 'XMLSerializer', 'Node', 'NodeFilter', 'document']) globalThis[name] = window[name]
console.log = console.warn = () => {}
// Node 20 has no Map.groupBy and Object.groupBy, which foliate-js needs.
Map.groupBy ??= (all, f) => [...all].reduce((map, x) => map.set(f(x), [...map.get(f(x)) ?? [], x]), new Map())
Object.groupBy ??= (all, f) => Object.fromEntries(Map.groupBy(all, f))

const { EPUB } = await import(pathToFileURL(join(folder, 'foliate-js', 'epub.js')))

const { files, cfis } = JSON.parse(readFileSync(0, 'utf-8'))
const loadText = async path => files[path] ?? files[decodeURI(path)] ?? null
const book = await new EPUB({ loadText, loadBlob: () => null, getSize: () => 0 }).init()
const documents = new Map()

// A range of jsdom leaves CDATA out, and takes no place in it; a browser's has it as the text that it is.
const withoutCDATA = doc => {
    const walker = doc.createTreeWalker(doc, NodeFilter.SHOW_CDATA_SECTION)
    const found = []
    while (walker.nextNode()) found.push(walker.currentNode)
    for (const node of found) node.replaceWith(doc.createTextNode(node.data))
    return doc
}

const load = async index => {
    const item = book.resources.getItemByID(book.resources.spine[index].idref)
    if (!documents.has(item.href)) {
        // Like foliate-js, which takes a chapter that is not well formed for HTML.
        const text = await loadText(item.href)
        const doc = new DOMParser().parseFromString(text, 'application/xhtml+xml')
        documents.set(item.href, doc.querySelector('parsererror')
            ? new DOMParser().parseFromString(text, 'text/html') : withoutCDATA(doc))
    }
    return documents.get(item.href)
}

const found = async cfi => {
    const { index, anchor } = book.resolveCFI(cfi)
    if (index < 0) return { error: 'no such chapter' }
    try {
        const range = anchor(await load(index))
        return { chapter: book.resources.getItemByID(book.resources.spine[index].idref).href, text: range.toString() }
    } catch (error) {
        return { error: String(error) }
    }
}

const answers = []
for (const cfi of cfis) answers.push(await found(cfi))
process.stdout.write(JSON.stringify(answers))
