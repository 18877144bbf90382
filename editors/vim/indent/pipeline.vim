" Indentation of pipeline files of orch: one step for each bracket that a line leaves open.
if exists('b:did_indent')
  finish
endif
let b:did_indent = 1

setlocal indentexpr=PipelineIndent(v:lnum)
setlocal indentkeys=0},0],0),o,O,!^F
let b:undo_indent = 'setlocal indentexpr< indentkeys<'

if exists('*PipelineIndent')
  finish
endif

" The indentation of a line. Lines of a script are left as they are: they belong to their author.
function PipelineIndent(number)
  let before = prevnonblank(a:number - 1)
  let text = getline(a:number)
  let opening = s:OpeningOf(a:number)
  if before == 0
    return 0
  elseif opening > 0 && text =~# '^\s*\%("""\|''''''\)'
    return indent(opening)
  elseif opening > 0 && text =~# '\S'
    return indent(a:number)
  elseif opening > 0
    return indent(before) + (before == opening ? shiftwidth() : 0)
  endif
  let open = s:Balance(before)
  let opening = s:OpeningOf(before)
  if opening > 0
    let open += s:Balance(opening)
    let before = opening
  endif
  let steps = (open > 0 ? 1 : 0) - (text =~# '^\s*[]})]' ? 1 : 0)
  return max([0, indent(before) + steps * shiftwidth()])
endfunction

" How many brackets a line opens beyond those that it closes, but for those it begins with.
function s:Balance(number)
  let text = getline(a:number)
  if s:OpeningOf(a:number) > 0
    let text = substitute(text, '^.\{-}\%("""\|''''''\)', '', '')
  endif
  let strings = '"""\_.\{-}"""\|''''''\_.\{-}''''''\|"""\_.*\|''''''\_.*'
  let strings .= '\|"\%(\\.\|[^"\\]\)*"\|''[^'']*''\|#.*$'
  let text = substitute(text, strings, '', 'g')
  let text = substitute(text, '^\s*[]})]\+', '', '')
  let open = 0
  for mark in split(text, '\zs')
    let open += mark =~# '[[{(]' ? 1 : mark =~# '[]})]' ? -1 : 0
  endfor
  return open
endfunction

" The nearest line above that looks like the head of a block: no string is open there.
function s:BlockAbove(number)
  for line in range(a:number - 1, 1, -1)
    if getline(line) =~# '^\l\+\s.*{\s*$'
      return line
    endif
  endfor
  return 1
endfunction

" The line on which the block string opens that a line begins in; 0 where it begins in none.
function s:OpeningOf(number)
  let opening = 0
  let quotes = ''
  for line in range(s:BlockAbove(a:number), a:number - 1)
    let text = getline(line)
    let at = 0
    while 1
      let wanted = quotes ==# '' ? '"""\|''''''\|"\%(\\.\|[^"\\]\)*"\|''[^'']*''\|#.*$' : quotes
      let [found, _, end] = matchstrpos(text, wanted, at)
      if end < 0
        break
      endif
      let at = end
      if quotes !=# ''
        let [quotes, opening] = ['', 0]
      elseif found ==# '"""' || found ==# "'''"
        let [quotes, opening] = [found, line]
      endif
    endwhile
  endfor
  return opening
endfunction
