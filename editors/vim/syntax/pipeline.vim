" Colours of pipeline files of orch.
if exists('b:current_syntax')
  finish
endif

" The language's own words, by what they are. `make syntax` writes these lines.
let s:words = {}
let s:words.keywords = 'finally let param pipeline policy pool secret service stage use'
let s:words.blocks = 'env heartbeat lock matrix output policy ready retry values with'
let s:words.settings = 'allow_failure artifacts attempts backoff buffer concurrency cwd deadline description env error every exclusive exec factor fail_fast file grace help http in inputs jitter log matches needs on outputs persist pool required requires run secrets shell slots stale stdin stop summary tags task tcp timeout title tty when'
let s:words.types = 'bool duration float int list map path size string'
let s:words.words = 'bash equal exit failure full node none python sh signal spawn timeout'
let s:words.constants = 'false true'
let s:words.durations = 'd h m ms s'
let s:words.sizes = 'B GB GiB KB KiB MB MiB'
let s:words.roots = 'lets matrix params pipeline run stages'
let s:words.filters = 'basename bytes default dirname first float int join json last length list lower quote raw replace seconds sort split stem string trim unique upper'
let s:words.functions = 'glob range'
let s:words.operators = 'and else if in not or'

" A pattern for one of these words, where it stands as a whole.
function! s:Any(kind) abort
  return '\%([A-Za-z0-9_-]\)\@1<!\%(' . join(split(s:words[a:kind]), '\|') . '\)\%([A-Za-z0-9_-]\)\@!'
endfunction

syntax include @pipelineShell syntax/sh.vim
unlet! b:current_syntax
syntax include @pipelinePython syntax/python.vim
unlet! b:current_syntax
syntax include @pipelineNode syntax/javascript.vim
unlet! b:current_syntax
" A list of words after `for x in` is taken for braces before any template is seen.
silent! syntax clear shCurlyIn
syntax iskeyword @,48-57,_
syntax case match
syntax spell toplevel

let s:name = '[A-Za-z_][A-Za-z0-9_-]*'
let s:next = '^\ze\%(' . join(split(s:words.keywords), '\|') . '\)\s\+["A-Za-z_]'

" What stands in a block, and as a value. What is defined last goes first.
syntax cluster pipelineValue contains=pipelineName,pipelineWord,pipelineConstant,pipelineNumber,
      \pipelineString,pipelineBlockString,pipelineLiteral,pipelineLiteralBlock,pipelineTemplate
syntax cluster pipelineItem contains=@pipelineValue,pipelineMember,pipelineSetting,pipelineBlockWord,
      \pipelineType,pipelineBlock,pipelineComment,pipelineOperator

execute 'syntax match pipelineTop /' . s:name . '/'
execute 'syntax match pipelineName contained /' . s:name . '/'
execute 'syntax match pipelineWord /' . s:Any('words') . '/'
execute 'syntax match pipelineConstant /' . s:Any('constants') . '/'
execute 'syntax match pipelineMember contained /' . s:name . '\ze\s*[=:]/'
execute 'syntax match pipelineSetting contained /' . s:Any('settings') . '\ze\s*=/'
execute 'syntax match pipelineBlockWord contained /' . s:Any('blocks') . '\ze\s*{/'
syntax match pipelineOperator /=\|\.\./

" The heads of blocks: a keyword, and the name of what it declares.
execute 'syntax match pipelineKeyword /' . s:Any('keywords') . '\ze\s*["{]/'
execute 'syntax match pipelineKeyword /' . s:Any('keywords') . '\ze\s\+' . s:name . '/'
      \ . ' nextgroup=pipelineLabel skipwhite'
execute 'syntax match pipelineLabel contained /' . s:name . '/'
execute 'syntax match pipelineKeyword /\%("\s\+\)\@<=as\ze\s\+' . s:name . '/'
      \ . ' nextgroup=pipelineLabel skipwhite'
execute 'syntax match pipelineType /:\_s*' . s:Any('types') . '\%([<> ]\|' . s:Any('types') . '\)*/'
      \ . ' contains=pipelineTypeWord'
execute 'syntax match pipelineTypeWord contained /' . s:Any('types') . '/'

let s:alone = '\%([A-Za-z0-9_-]\)\@1<!'
execute 'syntax match pipelineNumber /' . s:alone . '-\?[0-9][0-9_]*\%(\.[0-9_]\+\)\?\%([A-Za-z0-9_-]\)\@!/'
execute 'syntax match pipelineNumber /' . s:alone . '\%([0-9][0-9_]*\%('
      \ . join(split(s:words.durations . ' ' . s:words.sizes), '\|') . '\)\)\+\%([A-Za-z0-9_-]\)\@!/'

" An open block ends where the next one begins, so that it colours no more than itself.
execute 'syntax region pipelineBlock matchgroup=pipelineBrace start=/{/ end=/}/ end=/' . s:next . '/'
      \ . ' contains=@pipelineItem,@pipelineScript fold'
syntax region pipelineBrackets matchgroup=pipelineBracket start=/\[/ end=/\]/ start=/(/ end=/)/
      \ contains=@pipelineItem,pipelineBrackets
syntax cluster pipelineItem add=pipelineBrackets

" Strings. In one of a single line a template may hold quotes of its own.
let s:skip = ' skip=/\\.\|{{\%([^"''{}]\|"\%(\\.\|[^"\\]\)*"\|''[^'']*''\|{[^{}]*}\)*}}/'
execute 'syntax region pipelineString start=/"/ end=/"\|$/ keepend' . s:skip
      \ . ' contains=pipelineEscape,pipelineTemplate'
syntax region pipelineLiteral start=/'/ end=/'\|$/
syntax region pipelineBlockString start=/"""/ end=/"""/ keepend contains=pipelineTemplate
syntax region pipelineLiteralBlock start=/'''/ end=/'''/
syntax match pipelineEscape contained /\\\%(["\\nrt]\|u{\x\{1,6}}\)/

" Scripts, each up to its own quotes, whatever is open in it.
function! s:Scripts(group, language) abort
  let head = 'syntax region pipeline' . a:group . 'Script contained keepend matchgroup=pipelineQuote'
  let start = ' start=/\%(\<\%(run\|exec\)\s*=\s*\)\@<='
  let inside = ' contains=@pipeline' . a:language
  execute head . start . '"/ end=/"\|$/' . s:skip . inside . ',pipelineTemplate'
  execute head . start . '''/ end=/''\|$/' . inside
  execute head . start . '"""/ end=/"""/' . inside . ',pipelineTemplate'
  execute head . start . '''''''/ end=/''''''/' . inside
endfunction
call s:Scripts('Shell', 'Shell')
call s:Scripts('Python', 'Python')
call s:Scripts('Node', 'Node')
syntax cluster pipelineScript contains=pipelineShellScript

" Behind `shell = python` the rest of a block is read with other scripts.
function! s:Rest(word, group) abort
  execute 'syntax region pipeline' . a:group . 'Rest contained transparent'
        \ . ' start=/\<shell\s*=\s*' . a:word . '\>/ end=/\ze}/ end=/' . s:next . '/'
        \ . ' contains=@pipelineItem,pipeline' . a:group . 'Script'
endfunction
call s:Rest('python', 'Python')
call s:Rest('node', 'Node')
syntax cluster pipelineItem add=pipelinePythonRest,pipelineNodeRest

" Templates go before whatever a script's own syntax finds at the same place.
syntax region pipelineTemplate matchgroup=pipelineTemplateEdge start=/{{/ end=/}}/
      \ contains=@pipelineExpression containedin=@pipelineShell,@pipelinePython,@pipelineNode
syntax cluster pipelineExpression contains=pipelineTemplateString,pipelineTemplateBraces,
      \pipelineTemplateName,pipelineField,pipelineFunction,pipelineOperatorWord,pipelineTemplateConstant,
      \pipelineRoot,pipelineTemplateNumber,pipelineTemplateOperator
syntax match pipelineTemplateOperator contained /[-+*\/%~|<>=!]\+/
syntax match pipelineTemplateNumber contained /\<[0-9]\+\%(\.[0-9]\+\)\?\>/
syntax match pipelineTemplateName contained /\<[A-Za-z_]\w*/
execute 'syntax match pipelineOperatorWord contained /' . s:Any('operators') . '/'
execute 'syntax match pipelineTemplateConstant contained /\<none\>\|' . s:Any('constants') . '/'
execute 'syntax match pipelineRoot contained /' . s:Any('roots') . '/'
execute 'syntax match pipelineFunction contained /' . s:Any('functions') . '\ze\s*(/'
execute 'syntax match pipelineFunction contained /\%(|\s*\)\@<=' . s:Any('filters') . '/'
syntax match pipelineField contained /\.\@1<=[A-Za-z_]\w*/
syntax region pipelineTemplateBraces contained transparent start=/{/ end=/}/
      \ contains=@pipelineExpression
syntax match pipelineTemplateString contained /"\%(\\.\|[^"\\]\)*"\|'\%(\\.\|[^'\\]\)*'\|\\".\{-}\\"/

syntax match pipelineComment /#.*$/ contains=@Spell

highlight default link pipelineComment Comment
highlight default link pipelineKeyword Keyword
highlight default link pipelineLabel Type
highlight default link pipelineBlockWord Statement
highlight default link pipelineSetting Identifier
highlight default link pipelineTypeWord Type
highlight default link pipelineWord Constant
highlight default link pipelineConstant Boolean
highlight default link pipelineNumber Number
highlight default link pipelineOperator Operator
highlight default link pipelineString String
highlight default link pipelineBlockString String
highlight default link pipelineLiteral String
highlight default link pipelineLiteralBlock String
highlight default link pipelineQuote String
highlight default link pipelineEscape SpecialChar
highlight default link pipelineBrace Delimiter
highlight default link pipelineBracket Delimiter
highlight default link pipelineTemplateEdge PreProc
highlight default link pipelineTemplateString String
highlight default link pipelineTemplateNumber Number
highlight default link pipelineTemplateOperator Operator
highlight default link pipelineTemplateConstant Boolean
highlight default link pipelineOperatorWord Operator
highlight default link pipelineRoot Special
highlight default link pipelineFunction Function

syntax sync fromstart
let b:current_syntax = 'pipeline'
