// SPDX-License-Identifier: Apache-2.0

import { render } from 'preact'
import './ui/tokens.css'

render(<main class="page">Parley</main>, document.getElementById('app')!)
