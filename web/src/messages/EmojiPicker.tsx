// SPDX-License-Identifier: Apache-2.0

import PickerElement from 'emoji-picker-element/picker.js'
import dataUrl from 'emoji-picker-element-data/en/cldr/data.json?url'
import { useEffect, useRef } from 'preact/hooks'
import { language, t } from '../i18n/i18n.ts'
import { useStore } from '../state/store.ts'
import { Dialog } from '../ui/Dialog.tsx'
import './emojipicker.css'

interface EmojiPickerProps {
  at: { x: number; y: number }
  onChoose: (emoji: string) => void
  onClose: () => void
}

export function EmojiPicker({ at, onChoose, onClose }: EmojiPickerProps) {
  const host = useRef<HTMLDivElement>(null)
  const choose = useRef(onChoose)
  choose.current = onChoose
  const locale = useStore(language)

  useEffect(() => {
    const picker = makePicker(locale)
    const chosen = (event: Event) => {
      const { unicode } = (event as CustomEvent<{ unicode?: string }>).detail
      if (unicode) choose.current(unicode)
    }
    picker.addEventListener('emoji-click', chosen)
    host.current!.append(picker)
    const dialog = host.current!.closest('dialog')!
    if (innerWidth > 700) {
      const box = dialog.getBoundingClientRect()
      dialog.style.margin = '0'
      dialog.style.left = `${Math.max(8, Math.min(at.x, innerWidth - box.width - 8))}px`
      dialog.style.top = `${Math.max(8, Math.min(at.y, innerHeight - 420))}px`
    }
    // The field to search in comes a moment later.
    const focus = setInterval(() => {
      const search = picker.shadowRoot?.querySelector<HTMLInputElement>('input.search')
      if (search) {
        clearInterval(focus)
        if (matchMedia('(pointer: fine)').matches) search.focus()
      }
    }, 30)
    return () => {
      clearInterval(focus)
      picker.remove()
    }
  }, [locale, at.x, at.y])

  return (
    <Dialog title={t('emoji.title')} onClose={onClose} sheet bare class="emoji-dialog">
      <div ref={host} class="emoji-host" />
    </Dialog>
  )
}

function makePicker(locale: string): HTMLElement {
  return new PickerElement({
    dataSource: dataUrl,
    locale,
    i18n: {
      categoriesLabel: t('emoji.categories'),
      emojiUnsupportedMessage: t('emoji.unsupported'),
      favoritesLabel: t('emoji.favorites'),
      loadingMessage: t('emoji.loading'),
      networkErrorMessage: t('emoji.failed'),
      regionLabel: t('emoji.title'),
      searchDescription: t('emoji.searchhint'),
      searchLabel: t('emoji.search'),
      searchResultsLabel: t('emoji.results'),
      skinToneDescription: t('emoji.skinhint'),
      skinToneLabel: t('emoji.skin'),
      skinTonesLabel: t('emoji.skins'),
      skinTones: ['1', '2', '3', '4', '5', '6'].map(n => t(`emoji.skin.${n}` as 'emoji.skin.1')),
      categories: {
        custom: t('emoji.category.custom'),
        'smileys-emotion': t('emoji.category.smileys'),
        'people-body': t('emoji.category.people'),
        'animals-nature': t('emoji.category.animals'),
        'food-drink': t('emoji.category.food'),
        'travel-places': t('emoji.category.travel'),
        activities: t('emoji.category.activities'),
        objects: t('emoji.category.objects'),
        symbols: t('emoji.category.symbols'),
        flags: t('emoji.category.flags'),
      },
    },
  })
}
